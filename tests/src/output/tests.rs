use super::*;
use crate::packet::{Bytes, Packet, Tunnel, tags};
use crate::world::{self, Family, ROUTER, WAN};

const V4: &str = "ip = '10.0.0.1 > 192.0.2.10'\n";
const V6: &str = "ip = '2001:db8::1 > 2001:db8:ffff::10'\n";

fn frame(description: &str) -> Vec<u8> {
    toml::from_str::<Packet>(description).expect("a description").frame().expect("a frame")
}

fn bytes(text: &str) -> Vec<u8> {
    Bytes::try_from(text.to_owned()).expect("hexadecimal").0
}

/// From the balancer to server-1.
fn link() -> Link {
    Link { from: WAN.mac, to: world::backend_mac(1), tags: Vec::new() }
}

fn tunnel(tunnel: Tunnel, family: Family, sources: &str) -> TunnelTo {
    let sources = sources.parse().expect("a prefix");
    TunnelTo { address: family.backend(1, false), tunnel, port: 6080, sources }
}

/// What comes out of a data plane that is right, by Scapy 2.8.
#[test]
fn tunnelled_packets_are_as_another_tool_makes_them() {
    let cases = [
        (
            tunnel(Tunnel::Ipip, Family::V4, "10.0.1.100/32"),
            format!("{V4}id = 9\nttl = 3\ndscp = 46\necn = 'ect-0'\nudp = '40000 > 53'\npayload = 4"),
            "020000000101 0200000000b0 0800 45ba0034000900004004639f0a0001640a000101 \
             45ba0020000900000311eaff0a000001c000020a9c400035000c955100010203",
        ),
        (
            tunnel(Tunnel::Ipip, Family::V4, "172.16.0.0/16"),
            format!("{V4}id = 9\ndont-fragment = true\nudp = '40000 > 53'\npayload = 4"),
            "020000000101 0200000000b0 0800 4500003400004000400480b1ac1003040a000101 \
             450000200009400040116eb90a000001c000020a9c400035000c955100010203",
        ),
        (
            tunnel(Tunnel::Ipip, Family::V6, "fd00:1::/64"),
            format!("{V6}ecn = 'ce'\nudp = '40000 > 53'\npayload = 4"),
            "020000000101 0200000000b0 86dd 6031234500342940fd00000100000000000000000000000720010db8000100000000000000000001 \
             60300000000c114020010db800000000000000000000000120010db8ffff00000000000000000010 9c400035000c05da00010203",
        ),
        (
            tunnel(Tunnel::Gue, Family::V4, "10.0.1.100/32"),
            format!("{V6}ecn = 'ce'\nudp = '40000 > 53'\npayload = 4"),
            "020000000101 0200000000b0 0800 4503005400004000401124320a0001640a000101 c35017c000400000 00290000 \
             60300000000c114020010db800000000000000000000000120010db8ffff00000000000000000010 9c400035000c05da00010203",
        ),
        (
            tunnel(Tunnel::Gue, Family::V6, "fd00:1::/64"),
            format!("{V4}id = 9\nttl = 3\ndscp = 46\necn = 'ect-0'\nudp = '40000 > 53'\npayload = 4"),
            "020000000101 0200000000b0 86dd 6ba00000002c1140fd00000100000000000000000000000720010db8000100000000000000000001 \
             c35017c0002c0000 00040000 45ba0020000900000311eaff0a000001c000020a9c400035000c955100010203",
        ),
    ];
    for (tunnel, came_in, out) in cases {
        let out = bytes(out);
        let choice = tunnel.choice(&out).expect("a choice");
        let wrapped = tunnel.wrapped(&frame(&came_in), &link(), choice).expect("a frame");
        assert_eq!(hex::encode(wrapped), hex::encode(out), "{came_in}");
    }
}

#[test]
fn padding_stays_behind_the_packet() {
    let tunnel = tunnel(Tunnel::Ipip, Family::V4, "10.0.1.100/32");
    let [padded, plain] = ["padding = 18", ""].map(|padding| frame(&format!("{V4}udp = '40000 > 53'\n{padding}")));
    let choice = tunnel.choice(&frame("ip = '10.0.1.100 > 10.0.1.1'\nprotocol = 4")).expect("a choice");
    let [padded, plain] = [padded, plain].map(|frame| tunnel.wrapped(&frame, &link(), choice).expect("a frame"));
    assert_eq!(padded, [&plain[..], &[0; 18]].concat());
}

#[test]
fn what_a_tunnel_may_not_choose_is_refused() {
    let tunnel = tunnel(Tunnel::Gue, Family::V4, "172.16.0.0/16");
    let choice = |ip: &str, udp: &str| tunnel.choice(&frame(&format!("ip = '{ip} > 10.0.1.1'\nudp = '{udp} > 6080'")));
    assert!(choice("172.16.255.1", "49152").is_ok());
    let error = choice("172.17.0.1", "49152").expect_err("a foreign source").to_string();
    assert_eq!(error, "the tunnel's source address is 172.17.0.1, not of 172.16.0.0/16");
    let error = choice("172.16.0.1", "49151").expect_err("a port of somebody").to_string();
    assert_eq!(error, "the tunnel's UDP source port is 49151");
}

#[test]
fn tunnels_make_packets_longer() {
    let overheads = [Family::V4, Family::V6]
        .map(|family| [Tunnel::Ipip, Tunnel::Gue].map(|kind| tunnel(kind, family, "::/0").overhead()));
    assert_eq!(overheads, [[20, 32], [40, 52]]);
}

#[test]
fn flows_are_told_apart_by_what_shows_ports() {
    let all = [
        format!("{V4}tcp = '40000 > 443 S'"),
        format!("{V4}tcp = '40001 > 443 S'"),
        format!("{V4}udp = '40000 > 443'"),
        format!("{V6}udp = '40000 > 443'"),
        format!("{V6}sctp = '40000 > 443 INIT'"),
    ];
    let flows = all.each_ref().map(|packet| flow(&frame(packet)).expect("a flow"));
    for (index, one) in flows.iter().enumerate() {
        assert!(flows[..index].iter().all(|other| other != one));
    }
    let later = frame(&format!("vlan = 5\n{V6}extensions = ['hop-by-hop']\nudp = '40000 > 443'\npayload = 9"));
    assert_eq!(flow(&later), Some(flows[3]));
    assert_eq!(flow(&frame(&format!("{V4}icmp = 'echo-request 1 1'"))), None);
    assert_eq!(flow(&frame(&format!("{V4}fragment = {{ id = 1, length = 8 }}\nudp = '1 > 2'\npayload = 9"))), None);
}

#[test]
fn frames_keep_their_tags_or_get_others() {
    let came_in = frame(&format!("vlan = ['200 priority 3', 100]\n{V4}udp = '1 > 2'"));
    let out = |tags| {
        let link = Delivery { tunnel: None, tags }.link(&came_in, WAN.mac, ROUTER).expect("a link");
        handed_off(&came_in, &link).expect("a frame")
    };
    assert_eq!(out(None)[..20], bytes("020000000001 0200000000b0 88a860c8 81000064")[..]);
    assert_eq!(out(None)[20..], came_in[20..]);
    assert_eq!(out(Some(Vec::new())), [&bytes("020000000001 0200000000b0")[..], &came_in[20..]].concat());
    let single = out(Some(tags(&[7]).expect("a tag")));
    assert_eq!(single, [&bytes("020000000001 0200000000b0 81006007")[..], &came_in[20..]].concat());
    let double = out(Some(tags(&[7, 8]).expect("two tags")));
    assert_eq!(double, [&bytes("020000000001 0200000000b0 88a86007 81000008")[..], &came_in[20..]].concat());
}

#[test]
fn echo_replies_are_as_another_tool_makes_them() {
    let cases = [
        (
            format!("{V4}id = 5\nttl = 1\nicmp = 'echo-request 7 1'\npayload = 8"),
            "020000000001 0200000000b0 0800 45000024000500004001aec9c000020a0a000001 0000f3e700070001 0001020304050607",
        ),
        (
            format!("{V6}ttl = 1\nicmp = 'echo-request 7 1'\npayload = 8"),
            "020000000001 0200000000b0 86dd 6000000000103a4020010db8ffff0000000000000000001020010db8000000000000000000000001 \
             8100171a00070001 0001020304050607",
        ),
    ];
    for (request, reply) in cases {
        assert_eq!(hex::encode(echo_reply(&frame(&request)).expect("a reply")), hex::encode(bytes(reply)));
        let padded = echo_reply(&frame(&format!("vlan = 5\npadding = 4\n{request}"))).expect("a reply");
        assert_eq!(padded[16..], [&bytes(reply)[12..], &[0; 4]].concat());
    }
    assert!(echo_reply(&frame(&format!("{V4}icmp = 'echo-reply 7 1'"))).is_err());
}

#[test]
fn messages_about_long_packets_are_as_another_tool_makes_them() {
    let cases = [
        (
            format!("{V4}id = 9\ndont-fragment = true\ntcp = '40000 > 443 A'\npayload = 1460"),
            1480,
            "020000000001 0200000000b0 0800 45000038000000004001aebac000020a0a000001 03045550000005c8 \
             450005dc00094000400669080a000001c000020a 9c4001bb000003e8",
        ),
        (
            format!("{V6}tcp = '40000 > 443 A'\npayload = 1440"),
            1460,
            "020000000001 0200000000b0 86dd 6000000000383a4020010db8ffff0000000000000000001020010db8000000000000000000000001 \
             020032fb000005b4 6000000005b4064020010db800000000000000000000000120010db8ffff00000000000000000010 9c4001bb000003e8",
        ),
    ];
    for (came_in, mtu, out) in cases {
        let out = bytes(out);
        let message = too_big(&frame(&came_in), mtu, &out).expect("a message");
        assert_eq!(hex::encode(&message), hex::encode(&out), "{came_in}");
        let less = [&out[..out.len() - 1]].concat();
        assert!(too_big(&frame(&came_in), mtu, &less).is_err(), "the packet's length is not that of the message");
    }
}

#[test]
fn a_message_quotes_neither_too_little_nor_too_much() {
    let came_in = frame(&format!("{V4}dont-fragment = true\ntcp = '40000 > 443 A'\npayload = 1460"));
    let quoting = |bytes: usize| {
        let length = 20 + 8 + 20 + bytes;
        let answer = frame(&format!("ip = '192.0.2.10 > 10.0.0.1'\nprotocol = 1\npayload = {}", length - 20));
        too_big(&came_in, 1480, &answer).map(|message| message.len() - 14)
    };
    assert_eq!(quoting(8).expect("as in RFC 792"), 56);
    assert_eq!(quoting(528).expect("as in RFC 1812"), 576);
    assert!(quoting(7).is_err() && quoting(529).is_err());
}
