//! A network in which every back-end of a configuration answers.

use lb_common::wire::Mac;
use lb_user::config::{Config, InterfaceName};
use lb_user::network::{InterfaceAddress, Link, Neighbour, NeighbourKind, Network, XdpAttachment};
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const BALANCER: [IpAddr; 2] =
    [IpAddr::V4(Ipv4Addr::new(192, 0, 2, 254)), IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0xfe))];

/// A network with all interfaces that `config` names, on the first of which all back-ends are.
pub fn around(config: &Config) -> Network {
    let mut network = Network::default();
    let fixed =
        config.services.iter().flat_map(|service| &service.backends).filter_map(|backend| backend.next_hop.as_ref());
    let names: BTreeSet<&InterfaceName> =
        config.interfaces.iter().chain(fixed.map(|next_hop| &next_hop.interface)).collect();
    for (ifindex, name) in (1..).zip(names) {
        network.links.insert(ifindex, link(ifindex, name));
    }
    for address in BALANCER {
        // All addresses there are.
        network.addresses.push(InterfaceAddress { ifindex: 1, address, subnet: address, prefix_len: 0 });
    }
    for address in config.addresses() {
        let neighbour =
            Neighbour { mac: Some(Mac::new([2, 0, 0, 0, 1, 0])), kind: NeighbourKind::Managed, silent: false };
        network.neighbours.insert((1, address), neighbour);
    }
    network
}

fn link(ifindex: u32, name: &InterfaceName) -> Link {
    Link {
        ifindex,
        name: name.as_str().to_owned(),
        mac: Mac::new([2, 0, 0, 0, 0, 0]),
        up: true,
        mtu: 1_500,
        vlan: None,
        xdp: XdpAttachment::None,
    }
}
