//! The network that the agent would find: the balancer's interfaces, and who is where.

use super::backend::{Segment, Way};
use crate::world::{Family, Interface, LAN, MTU, ROUTER, WAN};
use lb_common::wire::Mac;
use lb_user::network::{
    InterfaceAddress, Link, Neighbour, NeighbourKind, Network, Route, Vlan, VlanProtocol, VlanTag, XdpAttachment,
};
use std::net::IpAddr;

/// The network with back-ends that have these addresses and can be reached in these ways.
pub(super) fn network<'b>(backends: impl Iterator<Item = (IpAddr, Mac, &'b Way)>) -> Network {
    let mut network = Network::default();
    for Interface { name, ifindex, mac } in [WAN, LAN] {
        network.links.insert(ifindex, link(ifindex, name.to_owned(), mac, None));
    }
    for family in [Family::V4, Family::V6] {
        let prefix_len = if family == Family::V4 { 24 } else { 64 };
        connect(&mut network, WAN.ifindex, family.balancer(), prefix_len);
        meet(&mut network, WAN.ifindex, family.router(), ROUTER);
    }
    for (address, mac, way) in backends {
        match way {
            Way::Direct(segment) => {
                let ifindex = interface(&mut network, segment);
                if ifindex != WAN.ifindex {
                    connect(&mut network, ifindex, address, if address.is_ipv4() { 32 } else { 128 });
                }
                meet(&mut network, ifindex, address, mac);
            }
            Way::Routed => {
                let family = Family::of(address);
                let (gateway, source) = (Some(family.router()), Some(family.balancer()));
                network.routes.insert(address, Route::Out { ifindex: WAN.ifindex, gateway, source, mtu: None });
            }
            Way::Unreachable => {}
        }
    }
    network
}

fn link(ifindex: u32, name: String, mac: Mac, vlan: Option<Vlan>) -> Link {
    Link { ifindex, name, mac, up: true, mtu: MTU.into(), vlan, xdp: XdpAttachment::None }
}

/// Index of the interface that the balancer has on the segment. For VLANs, there is one on top of the other: `wan0.200`, `wan0.200.100`.
fn interface(network: &mut Network, segment: &Segment) -> u32 {
    let Interface { name, mut ifindex, mac } = segment.interface;
    let mut name = name.to_owned();
    for (number, &id) in (1..).zip(&segment.vlans) {
        name = format!("{name}.{id}");
        let is_innermost = number == segment.vlans.len();
        let protocol = if is_innermost { VlanProtocol::Dot1Q } else { VlanProtocol::Dot1Ad };
        let vlan = Vlan { parent: Some(ifindex), tag: VlanTag { id, protocol } };
        ifindex = match network.link_by_name(&name) {
            Some(link) => link.ifindex,
            None => {
                let next = 1 + network.links.len() as u32;
                network.links.insert(next, link(next, name.clone(), mac, Some(vlan)));
                next
            }
        };
    }
    ifindex
}

/// Gives the balancer its address on an interface, which connects it to the subnet around `subnet`.
fn connect(network: &mut Network, ifindex: u32, subnet: IpAddr, prefix_len: u8) {
    let address = Family::of(subnet).balancer();
    network.addresses.push(InterfaceAddress { ifindex, address, subnet, prefix_len });
}

/// Makes the host `address` known on the segment of an interface.
fn meet(network: &mut Network, ifindex: u32, address: IpAddr, mac: Mac) {
    let neighbour = Neighbour { mac: Some(mac), kind: NeighbourKind::Managed, silent: false };
    network.neighbours.insert((ifindex, address), neighbour);
}
