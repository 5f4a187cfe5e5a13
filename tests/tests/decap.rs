//! What a back-end does with packets of tunnels. On the host; `decap_kernel` shows that the kernel does the same.

use lb_common::decap::{Dropped, Family, Kind, Passed, Tunnel, Verdict};
use lb_tests::tunnel::{Backend, Packet, VIP, address, cases, inner, of};
use proptest::prelude::*;
use proptest::sample::Index;

#[test]
fn every_case_ends_as_it_should() {
    let backend = Backend::default();
    for case in cases() {
        let mut frame = case.frame.clone();
        let (verdict, removed) = backend.receive(&mut frame);
        assert_eq!(verdict, case.verdict, "{}", case.name);
        assert_eq!(frame[removed..], case.stripped.unwrap_or(case.frame), "{}", case.name);
    }
}

#[test]
fn the_cases_cover_every_verdict() {
    let cases = cases();
    // No back-end is attached before it has its settings.
    for verdict in Verdict::all().filter(|verdict| *verdict != Verdict::Passed(Passed::NotReady)) {
        assert!(cases.iter().any(|case| case.verdict == verdict), "{verdict:?}");
    }
}

/// What RFC 6040 has in its figure 4, as numbers: inside by outside, in the order of their bits.
const ECN: [[Option<u8>; 4]; 4] = [
    [Some(0), Some(0), Some(0), None],
    [Some(1), Some(1), Some(1), Some(3)],
    [Some(2), Some(1), Some(2), Some(3)],
    [Some(3), Some(3), Some(3), Some(3)],
];

fn any_tunnel() -> impl Strategy<Value = Tunnel> {
    prop::sample::select(Tunnel::all().collect::<Vec<_>>())
}

prop_compose! {
    /// An honest packet in any tunnel, and what its headers inside and outside say of service and congestion.
    fn any_packet()(
        tunnel in any_tunnel(),
        tags in prop::collection::vec((prop::sample::select(vec![0x8100, 0x88a8]), any::<u16>()), 0..=2),
        options in 0..=10_usize,
        private in 0..=31_u8,
        class: u8,
        inner_class: u8,
        payload in 0..1400_usize,
        padding in 0..20_usize,
    ) -> (Packet, u8) {
        let options = if tunnel.outer == Family::V4 { vec![1; 4 * options] } else { Vec::new() };
        let header = [private, of([4, 41], tunnel.inner), 0, 0];
        let gue = (tunnel.kind == Kind::Gue).then(|| [&header[..], &vec![0xa5; 4 * usize::from(private)]].concat());
        let packet = Packet::new(tunnel, inner(tunnel.inner, inner_class, payload));
        (Packet { tags, options, gue, class, padding, ..packet }, inner_class)
    }
}

/// A packet with some bytes changed, or cut short.
fn spoilt() -> impl Strategy<Value = Vec<u8>> {
    (any_packet(), prop::collection::vec(any::<(Index, u8)>(), 0..4), any::<Option<Index>>()).prop_map(
        |((packet, _), lies, cut)| {
            let mut frame = packet.frame();
            // Where the headers are: the rest is nobody's concern.
            let headers = frame.len().min(200);
            for (index, lie) in lies {
                frame[index.index(headers)] = lie;
            }
            frame.truncate(cut.map_or(frame.len(), |cut| cut.index(frame.len())));
            frame
        },
    )
}

proptest! {
    #[test]
    fn what_went_into_a_tunnel_comes_out((packet, inner_class) in any_packet()) {
        let mut frame = packet.frame();
        let (verdict, removed) = Backend::default().receive(&mut frame);
        match ECN[usize::from(inner_class & 3)][usize::from(packet.class & 3)] {
            None => {
                prop_assert_eq!(verdict, Verdict::Dropped(Dropped::Ecn));
                prop_assert_eq!(frame, packet.frame());
            }
            Some(ecn) => {
                prop_assert_eq!(verdict, Verdict::Decapsulated(packet.tunnel));
                // Made anew with another notification, so the checksum is not the one that was changed step by step.
                let payload = packet.inner.len() - of([28, 48], packet.tunnel.inner);
                let inner = inner(packet.tunnel.inner, inner_class & !3 | ecn, payload);
                prop_assert_eq!(&frame[removed..], Packet { inner, ..packet }.stripped());
            }
        }
    }

    #[test]
    fn nothing_outside_the_frame_matters_or_changes(frame in spoilt(), guard: u8) {
        const GUARD: usize = 64;
        // A boxed slice has no spare room: a checker of memory accesses would see the first byte behind it.
        let mut exact: Box<[u8]> = frame.as_slice().into();
        let mut guarded = vec![guard; frame.len() + 2 * GUARD];
        guarded[GUARD..][..frame.len()].copy_from_slice(&frame);
        let backend = Backend::default();
        prop_assert_eq!(backend.receive(&mut guarded[GUARD..][..frame.len()]), backend.receive(&mut exact));
        prop_assert_eq!(&guarded[GUARD..][..frame.len()], &exact[..]);
        prop_assert!(guarded[..GUARD].iter().chain(&guarded[GUARD + frame.len()..]).all(|&byte| byte == guard));
    }

    #[test]
    fn only_packets_for_a_vip_come_out(before in spoilt()) {
        let mut frame = before.clone();
        let (verdict, removed) = Backend::default().receive(&mut frame);
        if let Verdict::Decapsulated(Tunnel { inner, .. }) = verdict {
            let packet = &frame[removed..];
            let ether_types = packet.chunks_exact(4).skip(3).map(|word| [word[0], word[1]]);
            let tags = ether_types.take_while(|ether_type| [[0x81, 0], [0x88, 0xa8]].contains(ether_type)).count();
            let destination = &packet[14 + 4 * tags + of([16, 24], inner)..];
            prop_assert!(address(of(VIP, inner)).octets().ends_with(&destination[..of([4, 16], inner)]));
        } else {
            prop_assert_eq!(frame, before);
        }
    }
}
