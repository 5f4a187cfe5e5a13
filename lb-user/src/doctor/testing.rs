//! A network for tests.

use crate::network::{InterfaceAddress, Link, Network, XdpAttachment};
use lb_common::wire::Mac;
use std::net::IpAddr;

pub(super) fn link(ifindex: u32, name: &str) -> Link {
    Link {
        ifindex,
        name: name.to_owned(),
        mac: Mac::new([2, 0, 0, 0, 0, 1]),
        up: true,
        mtu: 1_500,
        vlan: None,
        xdp: XdpAttachment::None,
    }
}

pub(super) fn address(ifindex: u32, address: &str, prefix_len: u8) -> InterfaceAddress {
    let address: IpAddr = address.parse().expect("an address");
    InterfaceAddress { ifindex, address, subnet: address, prefix_len }
}

/// `eth0` with an address of 10.0.0.0/24.
pub(super) fn network() -> Network {
    Network { links: [(2, link(2, "eth0"))].into(), addresses: vec![address(2, "10.0.0.1", 24)], ..Network::default() }
}
