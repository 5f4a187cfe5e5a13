//! What holds for any traffic. On the host: the vectors show that the kernel does the same.

use lb_common::abi::Backend;
use lb_common::verdict::{Forwarded, Verdict};
use lb_tests::packet::Packet;
use lb_tests::vector::Setup;
use lb_tests::world::WAN;
use lb_user::dataplane::Dataplane;
use lb_user::dataplane::memory::MemoryDataplane;
use lb_user::state::{Change, Observed, RingSpace, plan};
use proptest::prelude::*;
use proptest::sample::Index;
use std::collections::BTreeMap;

/// So many that no five flows of a test ever meet in one.
const BUCKETS: u32 = 1 << 16;

/// The slots of all back-ends.
const SLOTS: [u16; 6] = [0, 1, 2, 3, 4, 5];

fn balancer(buckets: u32) -> MemoryDataplane {
    let setup: Setup = toml::from_str(
        r#"
        services.web = { vip = "192.0.2.10", port = 443, backends = ["server-1", "server-2", "server-3"] }
        services.dns = { vip = "192.0.2.10", port = 53, protocol = "udp", backends = ["server-4", "server-5", "server-6"] }
        services.off = { vip = "192.0.2.11", port = 80, backends = [] }
        "#,
    )
    .expect("a setup");
    let mut desired = setup.resolve().expect("a configuration").desired;
    desired.settings.bucket_mask = buckets - 1;
    let mut balancer = MemoryDataplane::new(buckets as usize);
    for change in plan(&desired, &Observed::default(), &mut RingSpace::default(), 0).expect("enough room") {
        let Ok(()) = balancer.apply(&change);
    }
    balancer
}

fn frame(description: &str) -> Vec<u8> {
    toml::from_str::<Packet>(description).expect("a description").frame().expect("a packet")
}

/// An honest packet of one of 64 clients, to a service or past it.
fn honest() -> impl Strategy<Value = Vec<u8>> {
    let flags = prop::sample::subsequence(vec!['S', 'A', 'P', 'F', 'R', 'U'], 0..=6).prop_map(String::from_iter);
    let transport = prop_oneof![
        4 => flags.prop_map(|flags| ("tcp", 443, flags)),
        1 => Just(("tcp", 80, "S".to_owned())),
        2 => Just(("udp", 53, String::new())),
    ];
    (1..=8u8, 40_000..40_008u16, 10..=12u8, transport, 0..3usize, 0..60usize).prop_map(
        |(client, client_port, vip, (protocol, port, flags), options, payload)| {
            let transport = format!("{client_port} > {port} {flags}");
            let options = "01010101".repeat(options);
            frame(&format!(
                "ip = '10.0.0.{client} > 192.0.2.{vip}'\noptions = '{options}'\n{protocol} = '{}'\npayload = {payload}",
                transport.trim_end()
            ))
        },
    )
}

/// A packet with some bytes changed, or cut short.
fn spoilt() -> impl Strategy<Value = Vec<u8>> {
    (honest(), prop::collection::vec(any::<(Index, u8)>(), 0..4), any::<Option<Index>>()).prop_map(
        |(mut frame, lies, cut)| {
            for (index, lie) in lies {
                let index = index.index(frame.len());
                frame[index] = lie;
            }
            frame.truncate(cut.map_or(frame.len(), |cut| cut.index(frame.len())));
            frame
        },
    )
}

fn any_frame() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![4 => honest(), 3 => spoilt(), 1 => prop::collection::vec(any::<u8>(), 0..200)]
}

fn any_traffic() -> impl Strategy<Value = Vec<Vec<u8>>> {
    prop::collection::vec(any_frame(), 1..100)
}

proptest! {
    #[test]
    fn only_the_ethernet_addresses_of_forwarded_packets_change(traffic in any_traffic()) {
        let balancer = balancer(BUCKETS);
        let Ok(Observed { backends, .. }) = balancer.observe();
        for before in traffic {
            let mut after = before.clone();
            match balancer.run(&mut after) {
                (Verdict::Forwarded(_), Some(slot)) => {
                    prop_assert_eq!(&after[..6], &backends[&slot].mac.octets());
                    prop_assert_eq!(&after[6..12], &WAN.mac.octets());
                    prop_assert_eq!(&after[12..], &before[12..]);
                }
                (Verdict::Passed(_) | Verdict::Dropped(..), None) => prop_assert_eq!(after, before),
                outcome => prop_assert!(false, "{outcome:?}"),
            }
        }
    }

    #[test]
    fn nothing_outside_the_frame_matters_or_changes(frame in any_frame(), guard: u8) {
        const GUARD: usize = 64;
        let longer = [frame, vec![0; 200]].concat();
        let (one, other) = (balancer(1), balancer(1));
        for len in 0..=200 {
            // A boxed slice has no spare room: a checker of memory accesses would see the first byte behind it.
            let mut exact: Box<[u8]> = longer[..len].into();
            let mut guarded = vec![guard; len + 2 * GUARD];
            guarded[GUARD..][..len].copy_from_slice(&exact);
            prop_assert_eq!(one.run(&mut exact), other.run(&mut guarded[GUARD..][..len]));
            prop_assert_eq!(&exact[..], &guarded[GUARD..][..len]);
            prop_assert!(guarded[..GUARD].iter().chain(&guarded[GUARD + len..]).all(|&byte| byte == guard));
        }
    }

    #[test]
    fn decisions_depend_on_nothing_but_the_traffic(traffic in any_traffic()) {
        let (one, other) = (balancer(BUCKETS), balancer(BUCKETS));
        for frame in traffic {
            let (mut here, mut there) = (frame.clone(), frame);
            prop_assert_eq!(one.run(&mut here), other.run(&mut there));
            prop_assert_eq!(here, there);
        }
        prop_assert_eq!(one.counters(&[0, 1, 2], &SLOTS), other.counters(&[0, 1, 2], &SLOTS));
    }

    #[test]
    fn a_flow_stays_with_its_back_end(
        begins in prop::sample::select(vec!["tcp = '50000 > 443 S'", "tcp = '50000 > 443 A'", "udp = '50000 > 53'"]),
        traffic in prop::collection::vec((any_frame(), any::<bool>()), 1..100),
    ) {
        let balancer = balancer(BUCKETS);
        let first = frame(&format!("ip = '10.9.9.9 > 192.0.2.10'\n{begins}"));
        let later = frame(&format!("ip = '10.9.9.9 > 192.0.2.10'\n{}", begins.replace('S', "PA")));
        let (_, backend) = balancer.run(&mut first.clone());
        prop_assert!(backend.is_some());
        for (mut other, flow_goes_on) in traffic {
            balancer.run(&mut other);
            if flow_goes_on {
                prop_assert_eq!(balancer.run(&mut later.clone()).1, backend);
            }
        }
    }

    #[test]
    fn every_packet_is_counted_once(traffic in any_traffic()) {
        let balancer = balancer(BUCKETS);
        let mut actions: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
        for mut frame in traffic {
            let bytes = frame.len() as u64;
            let (verdict, _) = balancer.run(&mut frame);
            let action = actions.entry(verdict.action()).or_default();
            *action = (action.0 + 1, action.1 + bytes);
        }
        let Ok(counters) = balancer.counters(&[0, 1, 2], &SLOTS);
        for action in ["forwarded", "passed", "dropped"] {
            let verdicts = Verdict::all().filter(|verdict| verdict.action() == action);
            let tallies = verdicts.map(|verdict| counters.verdicts[verdict.number() as usize]);
            let sum = tallies.fold((0, 0), |(packets, bytes), tally| (packets + tally.packets, bytes + tally.bytes));
            prop_assert_eq!(sum, actions.get(action).copied().unwrap_or_default());
        }
        let packets = |action: &str| actions.get(action).map_or(0, |&(packets, _)| packets);
        let services = || counters.services.values();
        prop_assert_eq!(services().map(|service| service.forwarded.packets).sum::<u64>(), packets("forwarded"));
        prop_assert_eq!(services().map(|service| service.dropped.packets).sum::<u64>(), packets("dropped"));
        let backends = || counters.backends.values();
        prop_assert_eq!(backends().map(|backend| backend.forwarded.packets).sum::<u64>(), packets("forwarded"));
        let new_flows = services().map(|service| service.new_flows).sum::<u64>();
        prop_assert_eq!(backends().map(|backend| backend.new_flows).sum::<u64>(), new_flows);
    }

    #[test]
    fn round_robin_is_exact_whatever_else_there_is(traffic in any_traffic()) {
        let balancer = balancer(BUCKETS);
        for mut frame in traffic {
            balancer.run(&mut frame);
        }
        let Ok(counters) = balancer.counters(&[], &SLOTS);
        let Ok(Observed { backends, .. }) = balancer.observe();
        for service in [0, 1, 2] {
            let slots = SLOTS.iter().filter(|slot| backends[slot].service == service);
            let new_flows = slots.map(|slot| counters.backends[slot].new_flows);
            let (least, most) = (new_flows.clone().min(), new_flows.max());
            prop_assert!(most <= least.map(|least| least + 1), "{counters:?}");
        }
    }
}

/// The agent forgets the flows of a freed slot, but one may be decided on just before that, and remembered just after.
#[test]
fn a_flow_of_the_slots_former_owner_is_unknown_to_the_next() {
    let mut balancer = balancer(BUCKETS);
    let mut syn = frame("ip = '10.0.0.1 > 192.0.2.10'\ntcp = '40000 > 443 S'");
    let (_, slot) = balancer.run(&mut syn);
    let slot = slot.expect("a back-end");
    let Ok(Observed { backends, .. }) = balancer.observe();
    let next = Backend { generation: backends[&slot].generation + 1, ..backends[&slot] };
    let Ok(()) = balancer.apply(&Change::SetBackend { slot, backend: next });
    let mut ack = frame("ip = '10.0.0.1 > 192.0.2.10'\ntcp = '40000 > 443 A'");
    assert_eq!(balancer.run(&mut ack).0, Verdict::Forwarded(Forwarded::UnknownFlow));
}
