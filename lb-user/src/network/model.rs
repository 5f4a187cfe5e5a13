use super::{Route, Vlan};
use lb_common::wire::Mac;
use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

/// The network as the kernel of the balancer sees it at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Network {
    /// Ethernet interfaces by index. Others, as loopback or tunnels, have no segment with back-ends on it.
    pub links: BTreeMap<u32, Link>,
    /// The balancer's addresses, those of loopback and tunnels included.
    pub addresses: Vec<InterfaceAddress>,
    /// Neighbours by the index of their interface and their address.
    pub neighbours: BTreeMap<(u32, IpAddr), Neighbour>,
    /// The kernel's routes to those back-ends that may be beyond the balancer's own segments, by their address.
    pub routes: BTreeMap<IpAddr, Route>,
}

impl Network {
    /// The Ethernet interface that is called `name`.
    pub fn link_by_name(&self, name: &str) -> Option<&Link> {
        self.links.values().find(|link| link.name == name)
    }
}

/// An Ethernet interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Kernel's index.
    pub ifindex: u32,
    /// Its name.
    pub name: String,
    /// Its Ethernet address.
    pub mac: Mac,
    /// Whether it is switched on and has a carrier.
    pub up: bool,
    /// Longest IP packet that it sends, in bytes.
    pub mtu: u32,
    /// What makes it a VLAN interface, if it is one.
    pub vlan: Option<Vlan>,
    /// The XDP program that is attached to it.
    pub xdp: XdpAttachment,
}

/// How an XDP program is attached to an interface, and the kernel's id of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum XdpAttachment {
    /// There is none.
    None,
    /// The driver runs it.
    Native(u32),
    /// The network stack runs it, after the driver.
    Generic(u32),
    /// The network card runs it.
    Offloaded(u32),
}

impl fmt::Display for XdpAttachment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::None => "none",
            Self::Native(_) => "native",
            Self::Generic(_) => "generic",
            Self::Offloaded(_) => "offloaded",
        })
    }
}

/// An address of the balancer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InterfaceAddress {
    /// The interface that it belongs to.
    pub ifindex: u32,
    /// The address.
    pub address: IpAddr,
    /// An address in the subnet that it connects the balancer to: `address` itself, or its peer on a point-to-point link.
    pub subnet: IpAddr,
    /// Leading bits that all addresses of that subnet share: 0 to 32, or to 128 for IPv6.
    pub prefix_len: u8,
}

impl InterfaceAddress {
    /// Whether `address` is in the subnet.
    pub fn connects(&self, address: IpAddr) -> bool {
        let shared_bits = match (self.subnet, address) {
            (IpAddr::V4(subnet), IpAddr::V4(address)) => (subnet.to_bits() ^ address.to_bits()).leading_zeros(),
            (IpAddr::V6(subnet), IpAddr::V6(address)) => (subnet.to_bits() ^ address.to_bits()).leading_zeros(),
            _ => return false,
        };
        shared_bits >= self.prefix_len.into()
    }

    /// Whether `address` is the first or the last one of the subnet, its network and its broadcast address: there are none in IPv6, nor
    /// in subnets of one or two addresses (RFC 3021).
    pub fn names_subnet(&self, address: IpAddr) -> bool {
        let IpAddr::V4(v4) = address else { return false };
        let host_bits = u32::MAX.checked_shr(self.prefix_len.into()).unwrap_or(0);
        let host = v4.to_bits() & host_bits;
        self.connects(address) && host_bits > 1 && (host == 0 || host == host_bits)
    }
}

/// Whether an address is good for one segment only, and may be another host's on another one (RFC 4291, 2.5.6).
pub(super) fn is_link_local(address: IpAddr) -> bool {
    matches!(address, IpAddr::V6(address) if address.is_unicast_link_local())
}

/// A host on a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Neighbour {
    /// Its Ethernet address; `None` while it has not answered, or no longer does.
    pub mac: Option<Mac>,
    /// Who keeps this up to date.
    pub kind: NeighbourKind,
    /// Whether it was asked and has not answered.
    pub silent: bool,
}

/// Who keeps a neighbour's Ethernet address up to date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NeighbourKind {
    /// Nobody needs to: the operator set it, or the interface has neither ARP nor neighbour discovery.
    Permanent,
    /// The kernel does, for as long as the entry lives.
    Managed,
    /// Nobody does: the kernel asks only when it sends a packet there itself, and XDP's packets do not count.
    Dynamic,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subnet(subnet: &str, prefix_len: u8) -> InterfaceAddress {
        let subnet = subnet.parse().unwrap();
        InterfaceAddress { ifindex: 1, address: [10, 0, 0, 1].into(), subnet, prefix_len }
    }

    #[test]
    fn a_subnet_is_the_addresses_that_share_its_leading_bits() {
        let cases = [
            (subnet("10.0.0.1", 24), "10.0.0.200", true),
            (subnet("10.0.0.1", 24), "10.0.1.1", false),
            (subnet("10.0.0.1", 25), "10.0.0.128", false),
            (subnet("10.0.0.1", 32), "10.0.0.1", true),
            (subnet("10.0.0.1", 32), "10.0.0.2", false),
            (subnet("10.0.0.1", 0), "192.0.2.1", true),
            (subnet("172.16.0.9", 32), "172.16.0.9", true),
            (subnet("fd00::1", 64), "fd00::ffff:0:0:2", true),
            (subnet("fd00::1", 64), "fd00:0:0:1::1", false),
            (subnet("fd00::1", 65), "fd00::8000:0:0:1", false),
            (subnet("fd00::1", 128), "fd00::1", true),
            (subnet("fd00::1", 128), "fd00::", false),
            (subnet("fd00::1", 0), "2001:db8::1", true),
            // No prefix is of both families, however short.
            (subnet("10.0.0.1", 0), "::a00:1", false),
            (subnet("::", 0), "10.0.0.1", false),
        ];
        for (subnet, address, connected) in cases {
            assert_eq!(subnet.connects(address.parse().unwrap()), connected, "{address} in {subnet:?}");
        }
    }

    #[test]
    fn the_first_and_the_last_address_of_an_ipv4_subnet_are_no_hosts() {
        for (subnet, address, is_named) in [
            (subnet("10.0.0.1", 24), "10.0.0.0", true),
            (subnet("10.0.0.1", 24), "10.0.0.255", true),
            (subnet("10.0.0.1", 24), "10.0.0.254", false),
            (subnet("10.0.0.1", 24), "10.0.1.255", false),
            (subnet("10.0.0.1", 23), "10.0.1.255", true),
            (subnet("10.0.0.1", 30), "10.0.0.3", true),
            (subnet("10.0.0.1", 31), "10.0.0.0", false),
            (subnet("10.0.0.1", 32), "10.0.0.1", false),
            (subnet("fd00::1", 64), "fd00::", false),
        ] {
            assert_eq!(subnet.names_subnet(address.parse().unwrap()), is_named, "{address} in {subnet:?}");
        }
    }
}
