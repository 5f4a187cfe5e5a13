use super::{OWN, Packet, VIP, inner, of};
use lb_common::decap::{Dropped, Family, Kind, Passed, Tunnel, Verdict};

/// A frame, and what becomes of it.
#[derive(Clone, Debug)]
pub struct Case {
    /// What is special about it.
    pub name: String,
    /// The frame that comes in.
    pub frame: Vec<u8>,
    /// The verdict on it.
    pub verdict: Verdict,
    /// The frame that goes to the network stack, if it is another one.
    pub stripped: Option<Vec<u8>>,
}

/// A packet for everything that can happen to one, in every tunnel that it can happen in.
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for tunnel in Tunnel::all() {
        cases.extend(decapsulated(tunnel).map(|(what, packet)| stripped(tunnel, what, &packet)));
        cases.extend(refused(tunnel).map(|(what, frame, verdict)| same(tunnel, what, frame, verdict)));
        if tunnel.kind == Kind::Gue {
            cases.extend(headers(tunnel).map(|(what, frame, verdict)| same(tunnel, what, frame, verdict)));
        }
    }
    cases.extend(pieces().into_iter().chain(others()).map(|(what, frame, verdict)| Case {
        name: what.to_owned(),
        frame,
        verdict,
        stripped: None,
    }));
    cases
}

type Unchanged = (&'static str, Vec<u8>, Verdict);

const MALFORMED: Verdict = Verdict::Passed(Passed::Malformed);
const NOT_A_TUNNEL: Verdict = Verdict::Passed(Passed::NotATunnel);
const ELSEWHERE: Verdict = Verdict::Passed(Passed::OtherDestination);
const MALFORMED_INNER: Verdict = Verdict::Dropped(Dropped::MalformedInner);
const UNKNOWN_VIP: Verdict = Verdict::Dropped(Dropped::UnknownVip);
const BAD_GUE: Verdict = Verdict::Dropped(Dropped::BadGue);
const FRAGMENT: Verdict = Verdict::Dropped(Dropped::OuterFragment);

fn stripped(tunnel: Tunnel, what: &str, packet: &Packet) -> Case {
    let name = format!("{}: {what}", tunnel.name());
    Case { name, frame: packet.frame(), verdict: Verdict::Decapsulated(tunnel), stripped: Some(packet.stripped()) }
}

fn same(tunnel: Tunnel, what: &str, frame: Vec<u8>, verdict: Verdict) -> Case {
    Case { name: format!("{}: {what}", tunnel.name()), frame, verdict, stripped: None }
}

fn plain(tunnel: Tunnel) -> Packet {
    Packet::new(tunnel, inner(tunnel.inner, 0, 32))
}

/// `bytes` with `lies` from `offset` on.
fn lie(mut bytes: Vec<u8>, offset: usize, lies: &[u8]) -> Vec<u8> {
    bytes[offset..][..lies.len()].copy_from_slice(lies);
    bytes
}

/// What comes out of its tunnel.
fn decapsulated(tunnel: Tunnel) -> impl Iterator<Item = (&'static str, Packet)> {
    let plain = plain(tunnel);
    let mut packets = vec![
        ("plain", plain.clone()),
        ("a tag", Packet { tags: vec![(0x8100, 0x2007)], ..plain.clone() }),
        ("two tags", Packet { tags: vec![(0x88a8, 0x0064), (0x8100, 0x00c8)], ..plain.clone() }),
        ("padding", Packet { padding: 7, ..plain.clone() }),
        (
            "from the far end of the prefix",
            Packet { source: of(["10.0.1.255", "fd00:1::ffff:0:1"], tunnel.outer).to_owned(), ..plain.clone() },
        ),
        ("DSCP outside stays there", Packet { class: 0xb8, ..plain.clone() }),
        // Behind its header the packet inside is no concern of the decapsulator.
        (
            "a lie in the packet inside",
            Packet { inner: lie(plain.inner.clone(), plain.inner.len() - 34, &[0, 1]), ..plain.clone() },
        ),
        ("an empty packet inside", Packet { inner: inner(tunnel.inner, 0, 0), ..plain.clone() }),
    ];
    if tunnel.outer == Family::V4 {
        packets.push(("options", Packet { options: vec![1; 8], ..plain.clone() }));
    }
    if tunnel.inner == Family::V4 {
        packets.push(("a piece inside", Packet { inner: lie(plain.inner.clone(), 6, &[0x20, 0]), ..plain.clone() }));
    }
    if tunnel.kind == Kind::Gue {
        let gue = vec![2, of([4, 41], tunnel.inner), 0, 0, 1, 2, 3, 4, 5, 6, 7, 8];
        packets.push(("private data", Packet { gue: Some(gue), ..plain.clone() }));
    }
    packets.into_iter()
}

/// What stays in its tunnel, in tunnels of every kind.
fn refused(tunnel: Tunnel) -> impl Iterator<Item = Unchanged> {
    let plain = plain(tunnel);
    let with = |inner: Vec<u8>| Packet { inner, ..plain.clone() }.frame();
    let length = |length: usize| {
        let length = (length as u16).to_be_bytes();
        with(lie(plain.inner.clone(), of([2, 4], tunnel.inner), &length))
    };
    let (family, total) = (tunnel.inner, plain.inner.len());
    let version = of([0x65, 0x40], family);
    // Variant 1 has the version where the variant is, so no other family can be expected there.
    let wrong_version = if tunnel.kind == Kind::GueDirect { BAD_GUE } else { MALFORMED_INNER };
    let destination = |text: &str| {
        let octets = super::address(text).octets();
        let (offset, octets) = match family {
            Family::V4 => (16, &octets[12..]),
            Family::V6 => (24, &octets[..]),
        };
        with(lie(plain.inner.clone(), offset, octets))
    };
    let mut frames = vec![
        (
            "from elsewhere",
            Packet { source: of(["10.0.2.0", "fd00:1:0:1::1"], tunnel.outer).to_owned(), ..plain.clone() }.frame(),
            Verdict::Dropped(Dropped::UnknownSource),
        ),
        (
            "to another host",
            Packet { destination: of(["10.0.1.2", "fd00:1::2"], tunnel.outer).to_owned(), ..plain.clone() }.frame(),
            ELSEWHERE,
        ),
        ("to a VIP", Packet { destination: of(VIP, tunnel.outer).to_owned(), ..plain.clone() }.frame(), ELSEWHERE),
        ("congestion", Packet { class: 3, ..plain.clone() }.frame(), Verdict::Dropped(Dropped::Ecn)),
        (
            "another version inside",
            with(lie(plain.inner.clone(), 0, &[if wrong_version == BAD_GUE { 0x55 } else { version }])),
            wrong_version,
        ),
        (
            "a packet inside that is longer than the outer one",
            length(of([total + 1, total - 39], family)),
            MALFORMED_INNER,
        ),
        ("a header inside that is cut", with(plain.inner[..of([18, 38], family)].to_vec()), MALFORMED_INNER),
        ("an address of the host inside", destination(of(OWN, family)), UNKNOWN_VIP),
        ("another address inside", destination(of(["192.0.2.11", "2001:db8::11"], family)), UNKNOWN_VIP),
    ];
    match family {
        Family::V4 => frames.extend([
            ("a short header inside", with(lie(plain.inner.clone(), 0, &[0x44])), MALFORMED_INNER),
            ("a packet inside that is shorter than its header", length(19), MALFORMED_INNER),
        ]),
        Family::V6 => {
            frames.push(("IPv4 in the form of IPv6 inside", destination("::ffff:192.0.2.10"), MALFORMED_INNER));
        }
    }
    frames.into_iter()
}

/// Headers of generic UDP encapsulation.
fn headers(tunnel: Tunnel) -> impl Iterator<Item = Unchanged> {
    let plain = plain(tunnel);
    let protocol = of([4, 41], tunnel.inner);
    let gue = |gue: &[u8]| Packet { gue: Some(gue.to_vec()), ..plain.clone() }.frame();
    let udp = plain.link_len() + of([20, 40], tunnel.outer);
    let udp_length = |length: usize| lie(plain.frame(), udp + 4, &(length as u16).to_be_bytes());
    let whole = 8 + 4 + plain.inner.len();
    vec![
        ("a control message", gue(&[0x20, protocol, 0, 0]), Verdict::Dropped(Dropped::GueControl)),
        ("a flag", gue(&[0, protocol, 0x80, 0]), BAD_GUE),
        ("another flag", gue(&[0, protocol, 0, 1]), BAD_GUE),
        ("variant 2", gue(&[0x80, protocol, 0, 0]), BAD_GUE),
        ("another protocol", gue(&[0, 6, 0, 0]), BAD_GUE),
        ("a header that is longer than the packet", gue(&[0x1f, protocol, 0, 0]), MALFORMED_INNER),
        ("a UDP length beyond the packet", udp_length(whole + 1), BAD_GUE),
        ("a UDP length within the packet inside", udp_length(whole - 1), MALFORMED_INNER),
        ("a UDP length of nothing", udp_length(0), MALFORMED_INNER),
        ("a UDP header that is cut", plain.frame()[..udp + 6].to_vec(), MALFORMED),
        ("another port", Packet { port: 6081, ..plain.clone() }.frame(), NOT_A_TUNNEL),
    ]
    .into_iter()
}

/// Pieces of outer packets.
fn pieces() -> Vec<Unchanged> {
    let ipv4 = |kind, flags_offset: [u8; 2]| {
        let tunnel = Tunnel { kind, outer: Family::V4, inner: Family::V4 };
        lie(plain(tunnel).frame(), 14 + 6, &flags_offset)
    };
    let ipv6 = |kind, offset_flags: [u8; 2]| {
        let packet = plain(Tunnel { kind, outer: Family::V6, inner: Family::V6 });
        let next = if kind == Kind::Ipip { 41 } else { 17 };
        let header = vec![next, 0, offset_flags[0], offset_flags[1], 1, 2, 3, 4];
        Packet { extensions: Some((44, header)), ..packet }.frame()
    };
    vec![
        ("the first piece of ipip over IPv4", ipv4(Kind::Ipip, [0x20, 0]), FRAGMENT),
        ("a later piece of ipip over IPv4", ipv4(Kind::Ipip, [0, 1]), FRAGMENT),
        ("the first piece of gue over IPv4", ipv4(Kind::Gue, [0x20, 0]), FRAGMENT),
        // Nobody can tell which port it is for.
        ("a later piece of gue over IPv4", ipv4(Kind::Gue, [0, 1]), NOT_A_TUNNEL),
        ("the first piece of ipip over IPv6", ipv6(Kind::Ipip, [0, 1]), FRAGMENT),
        ("a later piece of ipip over IPv6", ipv6(Kind::Ipip, [0, 8]), FRAGMENT),
        ("the first piece of gue over IPv6", ipv6(Kind::Gue, [0, 1]), FRAGMENT),
        ("a later piece of gue over IPv6", ipv6(Kind::Gue, [0, 8]), NOT_A_TUNNEL),
        ("all of ipip in one piece over IPv6", ipv6(Kind::Ipip, [0, 0]), FRAGMENT),
    ]
}

/// What the network stack is better at.
fn others() -> Vec<Unchanged> {
    let ipip = |outer| plain(Tunnel { kind: Kind::Ipip, outer, inner: Family::V4 });
    let (over_v4, over_v6) = (ipip(Family::V4), ipip(Family::V6));
    let v4 = |offset: usize, lies: &[u8]| lie(over_v4.frame(), 14 + offset, lies);
    let v6 = |offset: usize, lies: &[u8]| lie(over_v6.frame(), 14 + offset, lies);
    let tagged = |tags: usize| Packet { tags: vec![(0x8100, 7); tags], ..over_v4.clone() }.frame();
    vec![
        ("ARP", lie(over_v4.frame(), 12, &[0x08, 0x06]), Verdict::Passed(Passed::NotIp)),
        ("three tags", tagged(3), Verdict::Passed(Passed::NotIp)),
        ("a tag that is cut", tagged(1)[..16].to_vec(), Verdict::Passed(Passed::NotIp)),
        ("no packet at all", over_v4.frame()[..14].to_vec(), MALFORMED),
        ("TCP over IPv4", v4(9, &[6]), NOT_A_TUNNEL),
        ("TCP over IPv6", v6(6, &[6]), NOT_A_TUNNEL),
        (
            "options behind IPv6",
            Packet { extensions: Some((60, vec![4, 0, 4, 1, 4, 1, 1, 0])), ..over_v6.clone() }.frame(),
            NOT_A_TUNNEL,
        ),
        ("another version in IPv4", v4(0, &[0x65]), MALFORMED),
        ("a short IPv4 header", v4(0, &[0x44]), MALFORMED),
        ("an IPv4 packet that is shorter than its header", v4(2, &[0, 19]), MALFORMED),
        ("an IPv4 packet that is longer than the frame", v4(2, &[0, 200]), MALFORMED),
        ("another version in IPv6", v6(0, &[0x45]), MALFORMED),
        ("an IPv6 packet that is longer than the frame", v6(4, &[0, 200]), MALFORMED),
        ("from IPv4 in the form of IPv6", v6(8, &super::address("10.0.1.100").octets()), MALFORMED),
        ("to IPv4 in the form of IPv6", v6(24, &super::address("10.0.1.1").octets()), MALFORMED),
        (
            "a piece whose header is cut",
            Packet { extensions: Some((44, Vec::new())), inner: vec![0; 6], ..over_v6.clone() }.frame(),
            MALFORMED,
        ),
    ]
}
