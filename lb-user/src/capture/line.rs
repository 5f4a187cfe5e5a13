use crate::control::types::Flags;
use etherparse::{
    ArpOperation, ArpPacketSlice, IpNumber, Ipv6ExtensionSlice, LaxIpPayloadSlice, LaxLinkExtSlice, LaxNetSlice,
    LaxSlicedPacket, LinkSlice, icmpv4, icmpv6,
};
use pcap::Linktype;
use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// What the headers of an Ethernet frame show, as one line of text: `tcp 198.18.2.1:40000 > 192.0.2.1:443 syn seq 7 74 bytes`.
/// `frame` is what is left of it, perhaps less than its `len` bytes; nothing in it is believed.
pub fn line(frame: &[u8], len: u32) -> String {
    let text = match LaxSlicedPacket::from_ethernet(frame) {
        Ok(frame) => of_frame(&frame),
        Err(_) => "not a whole Ethernet header".to_owned(),
    };
    format!("{text} {len} bytes")
}

/// The same of a packet of a device whose packets begin otherwise, as those of tunnels do: see [`Linktype`].
pub fn line_of(linktype: Linktype, packet: &[u8], len: u32) -> String {
    let text = match linktype {
        Linktype::ETHERNET => return line(packet, len),
        Linktype::RAW | RAW_IP => of_packet(packet),
        Linktype::LINUX_SLL => match packet.split_at_checked(14).map(|(_, rest)| rest.split_first_chunk()) {
            Some(Some((ether_type, rest))) => {
                let ether_type = u16::from_be_bytes(*ether_type);
                let packet = LaxSlicedPacket::from_ether_type(ether_type.into(), rest);
                packet.net.map_or_else(|| format!("type {ether_type:#06x}"), |net| of_network(&net))
            }
            _ => "not a whole header".to_owned(),
        },
        other => format!("a packet with headers of kind {}", other.get_name().unwrap_or_else(|_| other.0.to_string())),
    };
    format!("{text} {len} bytes")
}

fn of_frame(frame: &LaxSlicedPacket) -> String {
    let mut text = String::new();
    for tag in &frame.link_exts {
        if let LaxLinkExtSlice::Vlan(tag) = tag {
            // Writing to a string does not fail; so it is below.
            let _ = write!(text, "vlan {} ", tag.vlan_identifier().value());
        }
    }
    match (&frame.net, &frame.link) {
        (Some(net), _) => text += &of_network(net),
        (None, Some(LinkSlice::Ethernet2(link))) => {
            let ether_type = frame.ether_payload().map_or(link.ether_type(), |payload| payload.ether_type);
            let (from, to) = (mac(&link.source()), mac(&link.destination()));
            let _ = write!(text, "ethernet {from} > {to} type {:#06x}", ether_type.0);
        }
        (None, _) => text += "no headers that can be read",
    }
    text
}

fn of_packet(packet: &[u8]) -> String {
    match LaxSlicedPacket::from_ip(packet).ok().and_then(|packet| packet.net) {
        Some(net) => of_network(&net),
        None => "no IP packet that can be read".to_owned(),
    }
}

fn of_network(net: &LaxNetSlice) -> String {
    match net {
        LaxNetSlice::Arp(arp) => of_arp(arp),
        LaxNetSlice::Ipv4(packet) => {
            let header = packet.header();
            let ends = [header.source_addr().into(), header.destination_addr().into()];
            of_ip(ends, packet.payload(), header.fragments_offset().byte_offset())
        }
        LaxNetSlice::Ipv6(packet) => {
            let header = packet.header();
            let offset = packet.extensions().clone().into_iter().find_map(|extension| match extension {
                Ipv6ExtensionSlice::Fragment(fragment) => Some(fragment.fragment_offset().byte_offset()),
                _ => None,
            });
            let ends = [header.source_addr().into(), header.destination_addr().into()];
            of_ip(ends, packet.payload(), offset.unwrap_or_default())
        }
    }
}

/// `offset` is that of the fragment; only the first one has the header of the next layer.
fn of_ip([from, to]: [IpAddr; 2], payload: &LaxIpPayloadSlice, offset: u16) -> String {
    let (protocol, content) = (payload.ip_number, payload.payload);
    let name = name(protocol);
    if offset > 0 {
        return format!("{name} {from} > {to} fragment at {offset}");
    }
    let rest = match protocol {
        IpNumber::TCP | IpNumber::UDP | SCTP => return of_transport(&name, [from, to], protocol, content),
        IpNumber::ICMP => message(content, ICMP),
        IpNumber::IPV6_ICMP => message(content, ICMPV6),
        IpNumber::IPV4 | IpNumber::IPV6 => format!(": {}", inner(content)),
        _ => String::new(),
    };
    format!("{name} {from} > {to}{rest}")
}

/// Reads the fields where they are, so that a header without its end still shows what there is of it.
fn of_transport(name: &str, [from, to]: [IpAddr; 2], protocol: IpNumber, content: &[u8]) -> String {
    let Some(&[a, b, c, d]) = content.first_chunk() else {
        return format!("{name} {from} > {to} cut before its ports");
    };
    let (from, to) =
        (SocketAddr::new(from, u16::from_be_bytes([a, b])), SocketAddr::new(to, u16::from_be_bytes([c, d])));
    let mut text = format!("{name} {from} > {to}");
    if protocol == IpNumber::TCP {
        let word = |at: usize| content.get(at..)?.first_chunk().copied().map(u32::from_be_bytes);
        let Some(&bits) = content.get(13) else { return text + " cut before its flags" };
        let flags = Flags::from_bits(bits);
        let _ = write!(text, " {flags}");
        if let Some(number) = word(4) {
            let _ = write!(text, " seq {number}");
        }
        if let (true, Some(number)) = (bits & ACK != 0, word(8)) {
            let _ = write!(text, " ack {number}");
        }
    }
    text
}

/// The packet in a tunnel. Not the one in that again: nothing from the network says how deep this goes.
fn inner(content: &[u8]) -> String {
    let net = LaxSlicedPacket::from_ip(content).ok().and_then(|packet| packet.net);
    match net.as_ref().and_then(LaxNetSlice::ip_payload_ref) {
        Some(payload) if matches!(payload.ip_number, IpNumber::IPV4 | IpNumber::IPV6) => "another tunnel".to_owned(),
        _ => of_packet(content),
    }
}

fn of_arp(arp: &ArpPacketSlice) -> String {
    let address = |bytes: &[u8]| <[u8; 4]>::try_from(bytes).map(Ipv4Addr::from);
    match (address(arp.sender_protocol_addr()), address(arp.target_protocol_addr()), arp.operation()) {
        (Ok(sender), Ok(target), ArpOperation::REQUEST) => format!("arp who has {target}, asks {sender}"),
        (Ok(sender), Ok(_), ArpOperation::REPLY) => format!("arp {sender} is at {}", mac(arp.sender_hw_addr())),
        (_, _, ArpOperation(operation)) => format!("arp operation {operation}"),
    }
}

/// Type and code of an ICMP message, by its name if it is among `known`.
fn message(content: &[u8], known: &[(u8, &str)]) -> String {
    let Some(&[kind, code]) = content.first_chunk() else { return " cut before its type".to_owned() };
    match known.iter().find(|(number, _)| *number == kind) {
        Some((_, name)) => format!(" {name} (type {kind}, code {code})"),
        None => format!(" type {kind}, code {code}"),
    }
}

fn name(protocol: IpNumber) -> String {
    match protocol {
        IpNumber::TCP => "tcp".to_owned(),
        IpNumber::UDP => "udp".to_owned(),
        SCTP => "sctp".to_owned(),
        IpNumber::ICMP => "icmp".to_owned(),
        IpNumber::IPV6_ICMP => "icmpv6".to_owned(),
        IpNumber(number) => format!("ip-{number}"),
    }
}

fn mac(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":")
}

/// How libpcap numbers [`Linktype::RAW`] on Linux (pcap/dlt.h).
const RAW_IP: Linktype = Linktype(12);
const SCTP: IpNumber = IpNumber(132);
const ACK: u8 = 0x10;

const ICMP: &[(u8, &str)] = &[
    (icmpv4::TYPE_ECHO_REPLY, "echo reply"),
    (icmpv4::TYPE_DEST_UNREACH, "unreachable"),
    (icmpv4::TYPE_REDIRECT, "redirect"),
    (icmpv4::TYPE_ECHO_REQUEST, "echo request"),
    (icmpv4::TYPE_TIME_EXCEEDED, "time exceeded"),
];

const ICMPV6: &[(u8, &str)] = &[
    (icmpv6::TYPE_DST_UNREACH, "unreachable"),
    (icmpv6::TYPE_PACKET_TOO_BIG, "packet too big"),
    (icmpv6::TYPE_TIME_EXCEEDED, "time exceeded"),
    (icmpv6::TYPE_ECHO_REQUEST, "echo request"),
    (icmpv6::TYPE_ECHO_REPLY, "echo reply"),
    (icmpv6::TYPE_ROUTER_SOLICITATION, "router solicitation"),
    (icmpv6::TYPE_ROUTER_ADVERTISEMENT, "router advertisement"),
    (icmpv6::TYPE_NEIGHBOR_SOLICITATION, "neighbour solicitation"),
    (icmpv6::TYPE_NEIGHBOR_ADVERTISEMENT, "neighbour advertisement"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use etherparse::PacketBuilder;
    use proptest::prelude::*;
    use std::net::Ipv6Addr;

    const MACS: ([u8; 6], [u8; 6]) = ([2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2]);
    const CLIENT: [u8; 4] = [198, 18, 2, 1];
    const VIP: [u8; 4] = [192, 0, 2, 1];

    /// A SYN over IPv6, under a VLAN tag and with options: 98 bytes of headers.
    fn syn_over_ipv6() -> Vec<u8> {
        let builder = PacketBuilder::ethernet2(MACS.0, MACS.1).single_vlan(7.try_into().unwrap()).ipv6(
            Ipv6Addr::LOCALHOST.octets(),
            Ipv6Addr::UNSPECIFIED.octets(),
            64,
        );
        let mut frame = Vec::new();
        builder.tcp(40_000, 443, 9, 1_000).syn().options_raw(&[1; 40]).unwrap().write(&mut frame, &[]).unwrap();
        frame
    }

    fn ipv4(payload: &[u8], protocol: u8) -> Vec<u8> {
        let mut frame = Vec::new();
        let builder = PacketBuilder::ethernet2(MACS.0, MACS.1).ipv4(CLIENT, VIP, 64);
        builder.write(&mut frame, IpNumber(protocol), payload).unwrap();
        frame
    }

    #[test]
    fn headers_are_told_in_a_line() {
        let mut tcp = Vec::new();
        let builder = PacketBuilder::ethernet2(MACS.0, MACS.1).ipv4(CLIENT, VIP, 64);
        builder.tcp(40_000, 443, 9, 1_000).ack(5).psh().write(&mut tcp, b"hello").unwrap();
        let inner = &tcp[14..];
        let arp = [&MACS.1[..], &MACS.0, &[8, 6, 0, 1, 8, 0, 6, 4, 0, 1], &MACS.0, &CLIENT, &[0; 6], &VIP].concat();
        let lldp = [&MACS.1[..], &MACS.0, &[0x88, 0xcc, 1, 2]].concat();
        let cases = [
            (tcp.clone(), "tcp 198.18.2.1:40000 > 192.0.2.1:443 ack,psh seq 9 ack 5 59 bytes"),
            (syn_over_ipv6(), "vlan 7 tcp [::1]:40000 > [::]:443 syn seq 9 118 bytes"),
            (ipv4(&[0, 53, 16, 0, 0, 9, 0, 0, 1], 17), "udp 198.18.2.1:53 > 192.0.2.1:4096 43 bytes"),
            (ipv4(&[8, 0, 0, 0, 0, 1, 0, 2], 1), "icmp 198.18.2.1 > 192.0.2.1 echo request (type 8, code 0) 42 bytes"),
            (ipv4(&[99, 1, 0, 0], 58), "icmpv6 198.18.2.1 > 192.0.2.1 type 99, code 1 38 bytes"),
            (
                ipv4(inner, 4),
                "ip-4 198.18.2.1 > 192.0.2.1: tcp 198.18.2.1:40000 > 192.0.2.1:443 ack,psh seq 9 ack 5 79 bytes",
            ),
            (ipv4(&ipv4(inner, 4)[14..], 4), "ip-4 198.18.2.1 > 192.0.2.1: another tunnel 99 bytes"),
            (arp, "arp who has 192.0.2.1, asks 198.18.2.1 42 bytes"),
            (lldp, "ethernet 02:00:00:00:00:01 > 02:00:00:00:00:02 type 0x88cc 16 bytes"),
        ];
        for (frame, expected) in cases {
            assert_eq!(line(&frame, frame.len() as u32), expected);
        }
        let expected = "tcp 198.18.2.1:40000 > 192.0.2.1:443 ack,psh seq 9 ack 5 45 bytes";
        assert_eq!(line_of(RAW_IP, inner, 45), expected);
        let cooked = [&[0; 14][..], &[8, 0], inner].concat();
        assert_eq!(line_of(Linktype::LINUX_SLL, &cooked, 45), expected);
        assert_eq!(line_of(Linktype::RAW, &[0x12], 1), "no IP packet that can be read 1 bytes");
        assert_eq!(line_of(Linktype::IEEE802_11, &[], 1), "a packet with headers of kind IEEE802_11 1 bytes");
    }

    #[test]
    fn what_is_cut_shows_what_there_is() {
        // 14 + 4 + 40 bytes are in front of the TCP header.
        let frame = syn_over_ipv6();
        let cut = |at: usize| line(&frame[..at], 118);
        assert_eq!(cut(72), "vlan 7 tcp [::1]:40000 > [::]:443 syn seq 9 118 bytes");
        assert_eq!(cut(71), "vlan 7 tcp [::1]:40000 > [::]:443 cut before its flags 118 bytes");
        assert_eq!(cut(61), "vlan 7 tcp ::1 > :: cut before its ports 118 bytes");
        assert_eq!(cut(13), "not a whole Ethernet header 118 bytes");
        for at in 14..58 {
            assert!(cut(at).contains("02:00:00:00:00:01"), "{at}: {}", cut(at));
        }
    }

    #[test]
    fn later_fragments_have_no_ports() {
        let mut frame = ipv4(&[1, 2, 3, 4, 5, 6, 7, 8], 6);
        frame[20..22].copy_from_slice(&185_u16.to_be_bytes());
        assert_eq!(line(&frame, 42), "tcp 198.18.2.1 > 192.0.2.1 fragment at 1480 42 bytes");
    }

    proptest! {
        #[test]
        fn any_bytes_are_one_line(
            bytes in proptest::collection::vec(any::<u8>(), 0..120),
            ether_type in prop_oneof![Just(0x0800_u16), Just(0x86dd), Just(0x8100), Just(0x0806), any::<u16>()],
        ) {
            let frame = [&[0; 12][..], &ether_type.to_be_bytes(), &bytes].concat();
            let others = [Linktype::RAW, Linktype::LINUX_SLL].map(|linktype| line_of(linktype, &bytes, 120));
            for text in others.into_iter().chain([line(&frame, 120), line(&bytes, 0)]) {
                prop_assert!(!text.contains(char::is_control) && text.len() < 300, "{}", text);
            }
        }
    }
}
