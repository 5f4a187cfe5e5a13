use super::*;
use etherparse::defrag::{IpDefragPayloadVec, IpDefragPool};
use etherparse::{
    Icmpv4Type, Icmpv6Type, IpAuthHeader, IpNumber, Ipv6RawExtHeader, LaxPacketHeaders, NetHeaders, PacketHeaders,
    SlicedPacket, TransportHeader, icmpv4, icmpv6,
};

const V4: &str = "ip = '10.0.0.1 > 192.0.2.10'\n";
const V6: &str = "ip = '2001:db8::1 > 2001:db8:ffff::10'\n";

fn packet(description: &str) -> Packet {
    toml::from_str(description).expect("a description")
}

fn frame(description: &str) -> Vec<u8> {
    packet(description).frame().expect("a frame")
}

/// Why a description is refused, when it is read or when it is built.
fn refusal(description: &str) -> String {
    match toml::from_str::<Packet>(description) {
        Ok(packet) => format!("{:#}", packet.frame().expect_err(description)),
        Err(error) => error.message().to_owned(),
    }
}

/// What Scapy 2.8 makes of the same descriptions.
#[test]
fn packets_are_as_another_tool_makes_them() {
    let cases = [
        (
            format!("{V4}dscp = 46\necn = 'ce'\nttl = 7\noptions = '01010100'\ntcp = '40000 > 443 SEC'\npayload = 5"),
            "0200000000b0 020000000001 0800 46bb0031000000000706e4000a000001c000020a01010100 \
             9c4001bb000003e80000000050c2ffff3b2b0000 0001020304",
        ),
        (
            format!(
                "{V6}dscp = 10\necn = 'ect-0'\nhop-limit = 3\nflow-label = 0xabcde\ntcp = '40000 > 443 PA'\npayload = 3"
            ),
            "0200000000b0 020000000001 86dd 62aabcde0017060320010db800000000000000000000000120010db8ffff00000000000000000010 \
             9c4001bb000003e8000000005018ffffb0620000 000102",
        ),
        (
            format!("{V6}udp = '40000 > 53'\ndata = '00010203040506'"),
            "0200000000b0 020000000001 86dd 60000000000f114020010db800000000000000000000000120010db8ffff00000000000000000010 \
             9c400035000ffbce 00010203040506",
        ),
        (
            format!("vlan = ['200 priority 3', 100]\n{V4}udp = '1 > 2'"),
            "0200000000b0 020000000001 88a8 60c8 8100 0064 0800 4500001c000000004011aec60a000001c000020a 00010002000833d0",
        ),
        (
            format!("{V4}icmp = 'echo-request 7 1'\npayload = 8"),
            "0200000000b0 020000000001 0800 45000024000000004001aece0a000001c000020a 0800ebe700070001 0001020304050607",
        ),
        (
            format!("{V6}icmp = 'echo-request 7 1'\npayload = 8"),
            "0200000000b0 020000000001 86dd 6000000000103a4020010db800000000000000000000000120010db8ffff00000000000000000010 \
             8000181a00070001 0001020304050607",
        ),
        (
            "ip = '172.16.0.1 > 192.0.2.10'\n[icmp]\nerror = 'fragmentation-needed'\nmtu = 1400\nbytes = 8\n\
             about = { ip = '192.0.2.10 > 10.0.0.1', id = 9, ttl = 60, dont-fragment = true, tcp = '443 > 40000 A', payload = 1400 }"
                .to_owned(),
            "0200000000b0 020000000001 0800 450000380000000040010caaac100001c000020a 030455a000000578 \
             450005a0000940003c066d44c000020a0a000001 01bb9c40000003e8",
        ),
        (
            "ip = '2001:db8:9::1 > 2001:db8:ffff::10'\n[icmp]\nerror = 'packet-too-big'\nmtu = 1400\nbytes = 20\n\
             about = { ip = '2001:db8:ffff::10 > 2001:db8::1', ttl = 60, udp = '443 > 40000', payload = 40 }"
                .to_owned(),
            "0200000000b0 020000000001 86dd 6000000000443a4020010db800090000000000000000000120010db8ffff00000000000000000010 \
             02008abf00000578 600000000030113c20010db8ffff0000000000000000001020010db8000000000000000000000001 \
             01bb9c400030887e000102030405060708090a0b",
        ),
        (
            format!("{V4}sctp = '40000 > 443 INIT'"),
            "0200000000b0 020000000001 0800 45000034000000004084ae3b0a000001c000020a \
             9c4001bb00000000264f1cd4 01000014000000010000ffff0001000100000001",
        ),
        (
            format!("{V6}sctp = '40000 > 443 COOKIE-ECHO DATA'\npayload = 5"),
            "0200000000b0 020000000001 86dd 600000000028844020010db800000000000000000000000120010db8ffff00000000000000000010 \
             9c4001bb01020304d62c2006 0a000004 0003001500000001000000000000000000 01020304000000",
        ),
        (
            format!("{V6}extensions = ['hop-by-hop', 'destination-options 16']\nudp = '40000 > 53'\npayload = 1"),
            "0200000000b0 020000000001 86dd 600000000021004020010db800000000000000000000000120010db8ffff00000000000000000010 \
             3c00010400000000 1101010c000000000000000000000000 9c400035000907e4 00",
        ),
        (
            format!("{V6}fragment = {{ id = 7, length = 24 }}\nudp = '40000 > 53'\npayload = 40"),
            "0200000000b0 020000000001 86dd 6000000000202c4020010db800000000000000000000000120010db8ffff00000000000000000010 \
             1100000100000007 9c40003500308a04 000102030405060708090a0b0c0d0e0f",
        ),
    ];
    for (description, expected) in cases {
        let Ok(Bytes(expected)) = Bytes::try_from(expected.to_owned()) else { panic!("{expected}") };
        assert_eq!(hex::encode(frame(&description)), hex::encode(expected), "{description}");
    }
}

#[test]
fn an_honest_packet_reads_as_it_was_described() {
    let description = format!(
        "{V4}id = 9\ndont-fragment = true\noptions = '01010100'\ntcp = '40000 > 443 SF'\ntcp-options = '020405b4'\npayload = 3\npadding = 2"
    );
    let frame = frame(&description);
    let packet = PacketHeaders::from_ethernet_slice(&frame).expect("a packet");
    let Some(NetHeaders::Ipv4(ip, _)) = &packet.net else { panic!("{packet:?}") };
    assert_eq!((ip.source, ip.destination, ip.total_len), ([10, 0, 0, 1], [192, 0, 2, 10], 24 + 24 + 3));
    assert_eq!((ip.identification, ip.dont_fragment), (9, true));
    assert_eq!(ip.header_checksum, ip.calc_header_checksum());
    let tcp = packet.transport.and_then(TransportHeader::tcp).expect("TCP");
    assert_eq!((tcp.source_port, tcp.destination_port, tcp.data_offset()), (40_000, 443, 6));
    assert_eq!((tcp.syn, tcp.fin, tcp.ack, tcp.rst), (true, true, false, false));
    assert_eq!(packet.payload.slice(), [0, 1, 2]);
    assert_eq!(frame.len(), 14 + 24 + 24 + 3 + 2);
}

#[test]
fn extension_headers_stand_in_the_order_of_the_description() {
    let description = "extensions = ['hop-by-hop 24', 'destination-options', 'routing 16', 'fragment', 'authentication', 'destination-options 264']\n\
                       fragment = { id = 7 }\nudp = '40000 > 53'\npayload = 5";
    let frame = frame(&format!("{V6}{description}"));
    let packet = PacketHeaders::from_ethernet_slice(&frame).expect("a packet");
    let Some(NetHeaders::Ipv6(ip, extensions)) = &packet.net else { panic!("{packet:?}") };
    assert_eq!(extensions.next_header(ip.next_header), Ok(IpNumber::UDP));
    assert_eq!(extensions.hop_by_hop_options.as_ref().map(Ipv6RawExtHeader::header_len), Some(24));
    assert_eq!(extensions.destination_options.as_ref().map(Ipv6RawExtHeader::header_len), Some(8));
    let routing = extensions.routing.as_ref().expect("a routing header");
    assert_eq!(routing.routing.header_len(), 16);
    assert_eq!(routing.final_destination_options.as_ref().map(Ipv6RawExtHeader::header_len), Some(264));
    assert_eq!(extensions.fragment.as_ref().map(|header| header.identification), Some(7));
    assert_eq!(extensions.auth.as_ref().map(IpAuthHeader::header_len), Some(24));
    assert_eq!(usize::from(ip.payload_length), 24 + 8 + 16 + 8 + 24 + 264 + 8 + 5);
    let udp = packet.transport.and_then(TransportHeader::udp).expect("UDP");
    assert_eq!((udp.source_port, udp.destination_port, udp.length), (40_000, 53, 13));
}

/// Put together again in any order, they are the packet that was described.
#[test]
fn fragments_are_parts_of_one_packet() {
    for address in [V4, V6] {
        let description = format!("{address}udp = '40000 > 53'\npayload = 4000");
        let whole = frame(&description);
        let whole = SlicedPacket::from_ethernet(&whole).expect("a packet").net.expect("IP");
        let whole = whole.ip_payload_ref().expect("a payload").payload.to_vec();

        let mut pool = IpDefragPool::<(), ()>::new();
        let parts =
            ["{ id = 7, offset = 2960 }", "{ id = 7, length = 1480 }", "{ id = 7, offset = 1480, length = 1480 }"];
        let assembled = parts.map(|part| {
            let frame = frame(&format!("{description}\nfragment = {part}"));
            pool.process_sliced_packet(&SlicedPacket::from_ethernet(&frame).expect("a fragment"), (), ()).expect("room")
        });
        let [None, None, Some(IpDefragPayloadVec { ip_number, payload, .. })] = assembled else {
            panic!("{assembled:?}")
        };
        assert_eq!((ip_number, payload), (IpNumber::UDP, whole));
    }
}

#[test]
fn extension_headers_behind_the_fragment_header_are_fragmented() {
    let description =
        "extensions = ['hop-by-hop', 'fragment', 'destination-options 16']\nudp = '40000 > 53'\npayload = 100";
    let first = frame(&format!("{V6}{description}\nfragment = {{ id = 7, length = 16 }}"));
    let second = frame(&format!("{V6}{description}\nfragment = {{ id = 7, offset = 16 }}"));
    assert_eq!((first.len(), second.len()), (54 + 8 + 8 + 16, 54 + 8 + 8 + 108));
    assert_eq!((first[54], first[62], second[62]), (44, 60, 60));
    assert_eq!(first[70..72], [17, 1]);
    assert_eq!(second[70..74], [0x9c, 0x40, 0, 53]);
}

#[test]
fn a_fragment_may_lie_about_those_that_follow() {
    let frame = frame(&format!("{V4}udp = '1 > 2'\npayload = 8\nfragment = {{ id = 7, offset = 8, more = true }}"));
    let Some(NetHeaders::Ipv4(ip, _)) = LaxPacketHeaders::from_ethernet(&frame).expect("a frame").net else { panic!() };
    assert_eq!((ip.more_fragments, ip.fragment_offset.value(), ip.total_len), (true, 1, 28));
}

#[test]
fn icmp_errors_read_as_they_were_described() {
    let about = "bytes = 8\nabout = { ip = '192.0.2.10 > 10.0.0.1', udp = '53 > 40000', payload = 4 }";
    let cases = [
        ("error = 'port-unreachable'", Icmpv4Type::DestinationUnreachable(icmpv4::DestUnreachableHeader::Port)),
        (
            "error = 'fragmentation-needed'\nmtu = 1400",
            Icmpv4Type::DestinationUnreachable(icmpv4::DestUnreachableHeader::FragmentationNeeded {
                next_hop_mtu: 1400,
            }),
        ),
        ("error = 'prohibited'", Icmpv4Type::DestinationUnreachable(icmpv4::DestUnreachableHeader::FilterProhibited)),
        ("error = 'time-exceeded'", Icmpv4Type::TimeExceeded(icmpv4::TimeExceededCode::TtlExceededInTransit)),
        (
            "error = 'parameter-problem'\npointer = 9",
            Icmpv4Type::ParameterProblem(icmpv4::ParameterProblemHeader::PointerIndicatesError(9)),
        ),
    ];
    for (description, expected) in cases {
        let frame = frame(&format!("{V4}[icmp]\n{description}\n{about}"));
        let packet = PacketHeaders::from_ethernet_slice(&frame).expect("a packet");
        let icmp = packet.transport.and_then(TransportHeader::icmpv4).expect("ICMP");
        assert_eq!(icmp.icmp_type, expected);
        assert_eq!(icmp.checksum, icmp.icmp_type.calc_checksum(packet.payload.slice()));
        assert_eq!(packet.payload.slice().len(), 28);
    }
}

#[test]
fn icmpv6_errors_read_as_they_were_described() {
    let about = "about = { ip = '2001:db8:ffff::10 > 2001:db8::1', extensions = ['hop-by-hop'], udp = '53 > 40000', payload = 4 }";
    let problem =
        icmpv6::ParameterProblemHeader { code: icmpv6::ParameterProblemCode::ErroneousHeaderField, pointer: 40 };
    let cases = [
        ("error = 'packet-too-big'\nmtu = 1400", Icmpv6Type::PacketTooBig { mtu: 1400 }),
        ("error = 'port-unreachable'", Icmpv6Type::DestinationUnreachable(icmpv6::DestUnreachableCode::Port)),
        ("error = 'host-unreachable'", Icmpv6Type::DestinationUnreachable(icmpv6::DestUnreachableCode::Address)),
        ("error = 'time-exceeded'", Icmpv6Type::TimeExceeded(icmpv6::TimeExceededCode::HopLimitExceeded)),
        ("error = 'parameter-problem'\npointer = 40", Icmpv6Type::ParameterProblem(problem)),
    ];
    for (description, expected) in cases {
        let frame = frame(&format!("{V6}[icmp]\n{description}\n{about}"));
        let packet = PacketHeaders::from_ethernet_slice(&frame).expect("a packet");
        let Some(NetHeaders::Ipv6(ip, _)) = &packet.net else { panic!("{packet:?}") };
        let icmp = packet.transport.and_then(TransportHeader::icmpv6).expect("ICMPv6");
        assert_eq!(icmp.icmp_type, expected);
        let checksum = icmp.icmp_type.calc_checksum(ip.source, ip.destination, packet.payload.slice());
        assert_eq!(Ok(icmp.checksum), checksum);
        assert_eq!(packet.payload.slice().len(), 40 + 8 + 8 + 4);
    }
}

#[test]
fn a_quotation_may_end_in_the_header() {
    let about = "about = { ip = '192.0.2.10 > 10.0.0.1', udp = '53 > 40000', cut = 19 }";
    let frame = frame(&format!("{V4}[icmp]\nerror = 'time-exceeded'\n{about}"));
    assert_eq!(frame.len(), 14 + 20 + 8 + 19);
    let other = self::frame(&format!("{V4}icmp = {{ type = 13, code = 1 }}\npayload = 2"));
    assert_eq!((&other[34..36], &other[38..]), ([13, 1].as_slice(), [0, 0, 0, 0, 0, 1].as_slice()));
}

#[test]
fn lies_stand_where_the_truth_was() {
    let tcp = frame(&format!("{V4}tcp = '1 > 2'\nversion = 6\nihl = 4\ntotal-length = 258\ndata-offset = 15"));
    assert_eq!((tcp[14], &tcp[16..18], tcp[14 + 20 + 12]), (0x64, [1, 2].as_slice(), 0xf0));
    let udp = frame(&format!("vlan = 5\n{V4}udp = '1 > 2'\nudp-length = 258\ncut = 44"));
    assert_eq!((udp.len(), &udp[12..16], &udp[42..44]), (44, [0x81, 0, 0, 5].as_slice(), [1, 2].as_slice()));
    let v6 = frame(&format!("{V6}udp = '1 > 2'\nversion = 4\npayload-length = 258\nether-type = 0x0800"));
    assert_eq!((&v6[12..14], v6[14], &v6[18..20]), ([8, 0].as_slice(), 0x40, [1, 2].as_slice()));
    let says = "extensions = ['destination-options 16 says 2048', 'authentication 24 says 12']";
    let extension = frame(&format!("{V6}{says}\nudp = '1 > 2'"));
    assert_eq!((&extension[54..56], &extension[70..72]), ([51, 255].as_slice(), [17, 1].as_slice()));
}

#[test]
fn spoilt_checksums_are_the_only_difference() {
    let cases = [
        (V4, "tcp = '1 > 2'", 34 + 16..34 + 18),
        (V6, "udp = '1 > 2'", 54 + 6..54 + 8),
        (V4, "icmp = 'echo-request 1 1'", 34 + 2..34 + 4),
        (V4, "sctp = '1 > 2 INIT'", 34 + 8..34 + 12),
    ];
    for (address, transport, checksum) in cases {
        let honest = frame(&format!("{address}{transport}"));
        let bad = frame(&format!("{address}{transport}\nchecksum = 'bad'"));
        let none = frame(&format!("{address}{transport}\nchecksum = 'none'"));
        assert!(honest[checksum.clone()].iter().zip(&bad[checksum.clone()]).all(|(one, other)| one != other));
        assert!(none[checksum.clone()].iter().all(|&byte| byte == 0));
        for spoilt in [bad, none] {
            assert_eq!(
                (&spoilt[..checksum.start], &spoilt[checksum.end..]),
                (&honest[..checksum.start], &honest[checksum.end..])
            );
        }
    }
    let header = frame(&format!("{V4}tcp = '1 > 2'\nheader-checksum = 'none'"));
    assert_eq!(header[24..26], [0, 0]);
}

#[test]
fn a_tunnel_carries_the_packet_that_came_in() {
    let came_in = frame(&format!("vlan = 5\n{V6}udp = '40000 > 53'\npayload = 4\npadding = 3"));
    let link = Link { from: WAN.mac, to: ROUTER, tags: tags(&[100]).expect("tags") };
    let outgoing = |description: &str| packet(description).outgoing(&link, &came_in).expect("a frame");
    let ipip = outgoing("ip = '10.0.1.100 > 10.0.1.1'\ndont-fragment = true\ntunnel = 'ipip'");
    assert_eq!(
        ipip[..14 + 20],
        outgoing("ip = '10.0.1.100 > 10.0.1.1'\ndont-fragment = true\nprotocol = 41\npayload = 52")[..34]
    );
    assert_eq!(ipip[34..], came_in[18..][..52]);
    let gue = outgoing(
        "vlan = 7\nip = '2001:db8:1::100 > 2001:db8:1::1'\nudp = '50000 > 6080'\ntunnel = 'gue'\nchecksum = 'none'",
    );
    assert_eq!(gue[..18], [&ROUTER.octets()[..], &WAN.mac.octets(), &[0x81, 0, 0, 7, 0x86, 0xdd]].concat());
    assert_eq!(gue[58..70], [0xc3, 0x50, 0x17, 0xc0, 0, 64, 0, 0, 0, 41, 0, 0]);
    assert_eq!(gue[70..], came_in[18..][..52]);
}

#[test]
fn what_cannot_be_is_refused() {
    let cases = [
        (
            format!("{V4}udp = '1 > 2'\nprotocol = 1"),
            "a packet has one of tcp, udp, sctp, icmp, protocol and tunnel, or udp with the tunnel gue",
        ),
        (format!("{V4}udp = '1 > 2'\npayload = 1\ndata = '00'"), "a packet has one of payload, data and tunnel"),
        (format!("{V4}udp = '1 > 2'\nport = 7"), "a packet has no key port"),
        (format!("{V4}tunnel = 'ipip'"), "tunnel is for packets that go out"),
        (
            "ip = '10.0.0.1 > 2001:db8::1'\nudp = '1 > 2'".to_owned(),
            "\"10.0.0.1 > 2001:db8::1\" is not two addresses of one family, as 10.0.0.1 > 192.0.2.10",
        ),
        (format!("{V4}flow-label = 1\nudp = '1 > 2'"), "flow-label, extensions and payload-length are for IPv6"),
        (
            format!("{V6}ihl = 5\nudp = '1 > 2'"),
            "id, options, dont-fragment, ihl, total-length and header-checksum are for IPv4",
        ),
        (format!("{V4}udp = '1 > 2'\ndata-offset = 1"), "tcp-options and data-offset are for TCP"),
        (format!("{V4}protocol = 47\nchecksum = 'bad'"), "protocol 47 has no checksum"),
        (format!("{V4}tcp = '1 > 2 X'"), "\"1 > 2 X\": there is no TCP flag 'X': use S, A, P, F, R, U, E and C"),
        (
            format!("{V4}udp = '1 > 2'\npayload = 8\nfragment = {{ id = 1, offset = 12 }}"),
            "a fragment's offset is a multiple of 8, not 12",
        ),
        (
            format!("{V4}udp = '1 > 2'\nfragment = {{ id = 1, offset = 16 }}"),
            "a fragment begins at 16, but the packet has only 8 bytes for its fragments",
        ),
        (format!("{V6}udp = '1 > 2'\nextensions = ['fragment']"), "the extension \"fragment\" needs the key fragment"),
        (format!("{V6}udp = '1 > 2'\nextensions = ['routing 12']"), "there is no routing header of 12 bytes"),
        (format!("{V6}icmp = {{ error = 'fragmentation-needed' }}"), "fragmentation-needed is an error of IPv4"),
        (
            format!(
                "{V4}icmp = {{ error = 'time-exceeded', about = {{ ip = '1.2.3.4 > 5.6.7.8', udp = '1 > 2', vlan = 5 }} }}"
            ),
            "about: from, to, vlan, ether-type and padding are not quoted",
        ),
        (format!("{V4}udp = '1 > 2'\ncut = 42"), "cut is 42, but there are only 42 bytes"),
    ];
    for (description, reason) in cases {
        assert!(refusal(&description).contains(reason), "{description}: {}", refusal(&description));
    }
}
