use super::*;
use crate::network::{InterfaceAddress, Neighbour, Vlan, VlanProtocol, VlanTag, Vlans, XdpAttachment};
use lb_common::wire::Mac;

const LOOPBACK: u32 = 1;
const ETH1: u32 = 2;
const ETH2: u32 = 3;
const DOWN: u32 = 4;
const VLAN: u32 = 5;
const DOWN_VLAN: u32 = 6;

const HOST: Mac = Mac::new([2, 0, 0, 0, 9, 9]);
const C100: VlanTag = VlanTag { id: 100, protocol: VlanProtocol::Dot1Q };

/// eth1 has 10.0.0.0/16 and fd00::/32, eth2 has 10.0.7.0/24 and fd00:0:7::/48 inside of them, and down, which is down, has 10.0.7.0/28
/// and 172.16.0.0/24. eth2.100 has 10.1.0.0/24.
fn network() -> Network {
    let mut network = Network::default();
    for (ifindex, name, up, mtu, below) in [
        (ETH1, "eth1", true, 1500, None),
        (ETH2, "eth2", true, 9000, None),
        (DOWN, "down", false, 1500, None),
        (VLAN, "eth2.100", true, 1496, Some(ETH2)),
        (DOWN_VLAN, "down.100", true, 1500, Some(DOWN)),
    ] {
        let vlan = below.map(|parent| Vlan { parent: Some(parent), tag: C100 });
        let (name, xdp) = (name.to_owned(), XdpAttachment::None);
        network.links.insert(ifindex, Link { ifindex, name, mac: mac(ifindex), up, mtu, vlan, xdp });
    }
    network.addresses = vec![
        own(LOOPBACK, "127.0.0.1", 8),
        own(LOOPBACK, "192.0.2.10", 32),
        own(LOOPBACK, "::1", 128),
        own(ETH1, "10.0.0.1", 16),
        own(ETH1, "fd00::1", 32),
        own(ETH1, "fe80::1", 64),
        own(ETH2, "10.0.7.1", 24),
        own(ETH2, "fd00:0:7::1", 48),
        own(ETH2, "fe80::1", 64),
        own(DOWN, "10.0.7.2", 28),
        own(DOWN, "172.16.0.1", 24),
        own(VLAN, "10.1.0.1", 24),
        own(DOWN_VLAN, "10.2.0.1", 24),
    ];
    network
}

fn ip(address: &str) -> IpAddr {
    address.parse().unwrap()
}

fn mac(ifindex: u32) -> Mac {
    Mac::new([2, 0, 0, 0, 0, ifindex as u8])
}

fn own(ifindex: u32, address: &str, prefix_len: u8) -> InterfaceAddress {
    InterfaceAddress { ifindex, address: ip(address), subnet: ip(address), prefix_len }
}

fn with_neighbour(ifindex: u32, address: &str, mac: Option<Mac>, kind: NeighbourKind) -> Network {
    let mut network = network();
    network.neighbours.insert((ifindex, ip(address)), Neighbour { mac, kind, silent: false });
    network
}

/// A route to 203.0.113.9 and 2001:db8::9, which are on no segment.
fn with_route(route: Route) -> Network {
    let mut network = network();
    network.routes = [(ip("203.0.113.9"), route), (ip("2001:db8::9"), route)].into();
    network
}

fn via(gateway: &str) -> Route {
    Route::Out { ifindex: ETH2, gateway: Some(ip(gateway)), source: Some(ip("192.0.2.10")), mtu: None }
}

#[test]
fn the_way_is_the_neighbour_behind_the_interface_with_the_smallest_subnet_that_is_up() {
    let cases = [
        (ETH1, "10.0.6.4", "10.0.0.1"),
        (ETH2, "10.0.7.200", "10.0.7.1"),
        (ETH2, "10.0.7.4", "10.0.7.1"),
        (ETH1, "10.0.255.254", "10.0.0.1"),
        (ETH1, "fd00:0:6::4", "fd00::1"),
        (ETH2, "fd00:0:7::4", "fd00:0:7::1"),
    ];
    for (ifindex, address, source) in cases {
        let network = with_neighbour(ifindex, address, Some(HOST), NeighbourKind::Dynamic);
        let (vlans, mtu) = if ifindex == ETH1 { (Vlans::Keep, 1500) } else { (Vlans::Untagged, 9000) };
        let way = NextHop { ifindex, mac: HOST, source_mac: mac(ifindex), vlans, mtu, source: Some(ip(source)) };
        assert_eq!(network.next_hop(ip(address), Reach::Segment), Ok(way), "{address}");
        // Who was not looked up by route is looked for on the segments.
        assert_eq!(network.next_hop(ip(address), Reach::Routed), Ok(way), "{address}");
    }
}

#[test]
fn of_two_like_subnets_the_interface_with_the_lowest_index_counts() {
    let mut network = network();
    network.addresses.insert(0, own(ETH2, "10.0.0.2", 16));
    assert_eq!(network.way(ip("10.0.6.4"), Reach::Segment).map(|way| way.link.ifindex), Ok(ETH1));
}

#[test]
fn a_peer_is_connected_and_the_subnet_of_the_own_address_is_not() {
    let mut network = network();
    let peer = InterfaceAddress { subnet: ip("198.51.100.7"), ..own(ETH1, "203.0.113.1", 32) };
    network.addresses.push(peer);
    assert_eq!(network.way(ip("198.51.100.7"), Reach::Segment).map(|way| way.link.ifindex), Ok(ETH1));
    assert!(network.way(ip("203.0.113.2"), Reach::Segment).is_err());
}

#[test]
fn a_host_on_a_vlan_is_reached_by_the_interface_below_with_its_tag() {
    let network = with_neighbour(VLAN, "10.1.0.9", Some(HOST), NeighbourKind::Dynamic);
    let way = NextHop {
        ifindex: ETH2,
        mac: HOST,
        source_mac: mac(VLAN),
        vlans: Vlans::Single(C100),
        mtu: 1496,
        source: Some(ip("10.1.0.1")),
    };
    assert_eq!(network.next_hop(ip("10.1.0.9"), Reach::Segment), Ok(way));
}

#[test]
fn a_host_behind_a_router_is_reached_by_the_routers_ethernet_address() {
    // The second router serves IPv4 although it has no IPv4 address.
    for gateway in ["10.0.7.9", "fe80::9"] {
        let mut network = with_route(via(gateway));
        let router = Neighbour { mac: Some(HOST), kind: NeighbourKind::Managed, silent: false };
        // On another interface the same address is another router.
        let other = Neighbour { mac: Some(mac(99)), kind: NeighbourKind::Managed, silent: false };
        network.neighbours = [((ETH1, ip(gateway)), other), ((ETH2, ip(gateway)), router)].into();
        let way = NextHop {
            ifindex: ETH2,
            mac: HOST,
            source_mac: mac(ETH2),
            vlans: Vlans::Untagged,
            mtu: 9000,
            source: Some(ip("192.0.2.10")),
        };
        for address in ["203.0.113.9", "2001:db8::9"] {
            assert_eq!(network.next_hop(ip(address), Reach::Routed), Ok(way), "{address} via {gateway}");
            // A router would send a packet for the VIP back.
            let unreachable = network.next_hop(ip(address), Reach::Segment);
            assert_eq!(unreachable, Err(Unreachable::NotConnected { address: ip(address) }));
        }
    }
}

#[test]
fn the_kernels_route_decides_over_the_subnets_for_tunnels_only() {
    let mut network = with_neighbour(ETH2, "10.0.7.9", Some(HOST), NeighbourKind::Dynamic);
    network
        .neighbours
        .insert((ETH1, ip("10.0.0.9")), Neighbour { mac: Some(mac(9)), kind: NeighbourKind::Dynamic, silent: false });
    let route = Route::Out { ifindex: ETH1, gateway: Some(ip("10.0.0.9")), source: None, mtu: None };
    network.routes.insert(ip("10.0.7.9"), route);
    let way = |reach| network.next_hop(ip("10.0.7.9"), reach).map(|hop| (hop.ifindex, hop.mac, hop.source));
    assert_eq!(way(Reach::Segment), Ok((ETH2, HOST, Some(ip("10.0.7.1")))));
    assert_eq!(way(Reach::Routed), Ok((ETH1, mac(9), None)));
}

#[test]
fn packets_are_as_long_as_route_and_interface_permit() {
    for (mtu, expected) in [(None, 1500), (Some(1400), 1400), (Some(9000), 1500)] {
        let route = Route::Out { ifindex: ETH1, gateway: None, source: None, mtu };
        assert_eq!(with_route(route).way(ip("203.0.113.9"), Reach::Routed).map(|way| way.mtu), Ok(expected));
    }
}

#[test]
fn what_is_in_the_way_on_a_segment_is_said_with_its_remedy() {
    let not_connected = |address| {
        format!(
            "{address} is in no connected subnet: l2-dsr needs the back-end on the balancer's own segment; add an address of \
             that subnet to an interface"
        )
    };
    let own = |address| format!("{address} is an address of the balancer itself: a back-end must be another host");
    let not_one = |address| {
        format!("{address} is a network, broadcast, multicast or anycast address: a back-end must be one host")
    };
    let down =
        |link| format!("interface {link} is down: switch it on with `ip link set dev {link} up`, and check its cable");
    let cases = [
        ("10.9.0.1", not_connected("10.9.0.1")),
        ("fd01::1", not_connected("fd01::1")),
        // Neither the VIP's /32 nor the subnet of loopback leads to another host.
        ("192.0.2.11", not_connected("192.0.2.11")),
        ("127.0.0.2", not_connected("127.0.0.2")),
        ("10.0.0.0", not_one("10.0.0.0")),
        ("10.0.255.255", not_one("10.0.255.255")),
        // In the middle of the larger subnet, at the ends of the smaller one.
        ("10.0.7.0", not_one("10.0.7.0")),
        ("10.0.7.255", not_one("10.0.7.255")),
        ("10.0.0.1", own("10.0.0.1")),
        ("192.0.2.10", own("192.0.2.10")),
        ("fd00::1", own("fd00::1")),
        (
            "fe80::2",
            "fe80::2 is a link-local address, which could be on any interface: give the back-end a global or a unique local one"
                .to_owned(),
        ),
        ("172.16.0.2", down("down")),
        // A VLAN interface is no better than the one below it.
        ("10.2.0.9", down("down")),
        ("10.0.7.9", "no answer to ARP on eth2: is the back-end up and on this segment?".to_owned()),
        ("fd00:0:7::9", "no answer to neighbour discovery on eth2: is the back-end up and on this segment?".to_owned()),
    ];
    for (address, message) in cases {
        let unreachable = network().next_hop(ip(address), Reach::Segment).map_err(|it| it.to_string());
        assert_eq!(unreachable, Err(message));
    }
}

#[test]
fn what_is_in_the_way_of_a_route_is_said_with_its_remedy() {
    let not_ethernet = "the route to 203.0.113.9 leads through a tunnel or an interface that is not Ethernet, see \
                        `ip route get 203.0.113.9`: route it through an Ethernet interface";
    let cases = [
        (
            Route::Missing,
            "there is no route to 203.0.113.9: add one, as with `ip route add 203.0.113.9 via GATEWAY`, or an address of its \
             subnet to an interface",
        ),
        (
            Route::Discard("blackhole"),
            "packets to 203.0.113.9 are discarded by a route of type blackhole: remove it, or add another one for 203.0.113.9 \
             alone",
        ),
        (Route::Local, "203.0.113.9 is an address of the balancer itself: a back-end must be another host"),
        (
            Route::Group,
            "203.0.113.9 is a network, broadcast, multicast or anycast address: a back-end must be one host",
        ),
        (Route::Encapsulated, not_ethernet),
        (Route::Out { ifindex: LOOPBACK, gateway: None, source: None, mtu: None }, not_ethernet),
        (via("10.0.7.9"), "no answer to ARP from the gateway 10.0.7.9 on eth2: is it up and on this segment?"),
        (
            via("fe80::9"),
            "no answer to neighbour discovery from the gateway fe80::9 on eth2: is it up and on this segment?",
        ),
    ];
    for (route, message) in cases {
        let unreachable = with_route(route).next_hop(ip("203.0.113.9"), Reach::Routed).map_err(|it| it.to_string());
        assert_eq!(unreachable, Err(message.to_owned()));
    }
    let unasked = network().next_hop(ip("203.0.113.9"), Reach::Routed);
    assert_eq!(unasked, Err(Unreachable::NoRoute { address: ip("203.0.113.9") }));
}

#[test]
fn neighbours_are_asked_for_from_a_link_local_address() {
    let mut network = network();
    network.addresses.retain(|own| own.ifindex != ETH2 || !is_link_local(own.address));
    let unreachable = network.next_hop(ip("fd00:0:7::9"), Reach::Segment).map_err(|it| it.to_string());
    let message = "interface eth2 has no link-local address, which the kernel asks for IPv6 neighbours from: add one that no other \
                   host has, as with `ip address add fe80::2/64 dev eth2`";
    assert_eq!(unreachable, Err(message.to_owned()));
    // One that the operator set needs no asking.
    network.neighbours = with_neighbour(ETH2, "fd00:0:7::9", Some(HOST), NeighbourKind::Permanent).neighbours;
    assert!(network.next_hop(ip("fd00:0:7::9"), Reach::Segment).is_ok());
}

#[test]
fn a_vlan_interface_on_nothing_is_in_the_way() {
    let mut network = with_neighbour(VLAN, "10.1.0.9", Some(HOST), NeighbourKind::Dynamic);
    network.links.remove(&ETH2);
    let unreachable = network.next_hop(ip("10.1.0.9"), Reach::Segment).map_err(|it| it.to_string());
    let message = "interface eth2.100 cannot be sent by: below a VLAN interface there must be an Ethernet interface of the same \
                   network namespace, and not more than one other VLAN interface";
    assert_eq!(unreachable, Err(message.to_owned()));
}

#[test]
fn a_neighbour_that_did_not_answer_or_is_on_another_segment_is_no_way() {
    for address in ["10.0.7.9", "fd00:0:7::9"] {
        let unresolved = Err(Unreachable::Unresolved { interface: "eth2".to_owned(), address: ip(address) });
        let failed = with_neighbour(ETH2, address, None, NeighbourKind::Managed);
        assert_eq!(failed.next_hop(ip(address), Reach::Segment), unresolved);
        let elsewhere = with_neighbour(ETH1, address, Some(HOST), NeighbourKind::Dynamic);
        assert_eq!(elsewhere.next_hop(ip(address), Reach::Segment), unresolved);
    }
}

#[test]
fn neighbours_are_probed_unless_somebody_keeps_them_up_to_date() {
    for address in ["10.0.7.9", "fd00:0:7::9"] {
        let probed =
            |network: Network| network.probe_on(ip(address), Reach::Segment).map(|(link, who)| (link.ifindex, who));
        let asked = Some((ETH2, ip(address)));
        assert_eq!(probed(network()), asked);
        for (kind, expected) in
            [(NeighbourKind::Dynamic, asked), (NeighbourKind::Managed, None), (NeighbourKind::Permanent, None)]
        {
            for mac in [Some(HOST), None] {
                assert_eq!(probed(with_neighbour(ETH2, address, mac, kind)), expected, "{kind:?} {mac:?}");
            }
        }
    }
}

#[test]
fn routers_are_probed_for_those_behind_them() {
    let mut network = with_route(via("fe80::9"));
    let probed =
        |network: &Network| network.probe_on(ip("203.0.113.9"), Reach::Routed).map(|(link, who)| (link.ifindex, who));
    assert_eq!(probed(&network), Some((ETH2, ip("fe80::9"))));
    network
        .neighbours
        .insert((ETH2, ip("fe80::9")), Neighbour { mac: None, kind: NeighbourKind::Managed, silent: false });
    assert_eq!(probed(&network), None);
}

#[test]
fn nobody_is_probed_where_no_answer_can_come_from() {
    for address in ["10.0.0.1", "10.9.0.1", "172.16.0.2", "fe80::2"] {
        assert_eq!(network().probe_on(ip(address), Reach::Segment), None, "{address}");
    }
}
