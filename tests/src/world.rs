//! The one network that all vectors play in: the balancer between a router, which all clients are behind, and its back-ends.

use lb_common::wire::Mac;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The router's Ethernet address: packets come from it, and back-ends that are not in the balancer's subnet are behind it.
pub const ROUTER: Mac = Mac::new([2, 0, 0, 0, 0, 0x01]);

/// An interface of the balancer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interface {
    /// Its name in the vectors.
    pub name: &'static str,
    /// Its index.
    pub ifindex: u32,
    /// Its Ethernet address.
    pub mac: Mac,
}

/// The interface that all packets come in by. Its index is that of the loopback interface, which `BPF_PROG_TEST_RUN` pretends that
/// packets come in by.
pub const WAN: Interface = Interface { name: "wan0", ifindex: 1, mac: Mac::new([2, 0, 0, 0, 0, 0xb0]) };

/// Another interface, which back-ends may be behind.
pub const LAN: Interface = Interface { name: "lan0", ifindex: 2, mac: Mac::new([2, 0, 0, 0, 0, 0xb1]) };

/// Longest IP packet that both interfaces send.
pub const MTU: u16 = 1500;

/// The interface with this name.
pub fn interface(name: &str) -> Option<Interface> {
    [WAN, LAN].into_iter().find(|interface| interface.name == name)
}

/// A version of IP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl Family {
    /// That of `address`.
    pub fn of(address: IpAddr) -> Self {
        if address.is_ipv4() { Self::V4 } else { Self::V6 }
    }

    /// The balancer's own address on [`WAN`]. Back-ends are in the same subnet, of 24 or 64 bits.
    pub fn balancer(self) -> IpAddr {
        match self {
            Self::V4 => Ipv4Addr::new(10, 0, 1, 100).into(),
            Self::V6 => Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 0x100).into(),
        }
    }

    /// Address of the back-end `server-<number>` in the balancer's subnet, or in the one behind the router.
    pub fn backend(self, number: u8, routed: bool) -> IpAddr {
        let subnet = if routed { 2 } else { 1 };
        match self {
            Self::V4 => Ipv4Addr::new(10, 0, subnet, number).into(),
            Self::V6 => Ipv6Addr::new(0x2001, 0xdb8, subnet.into(), 0, 0, 0, 0, number.into()).into(),
        }
    }

    /// Address of the router.
    pub fn router(self) -> IpAddr {
        match self {
            Self::V4 => Ipv4Addr::new(10, 0, 1, 254).into(),
            Self::V6 => Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 0xfe).into(),
        }
    }
}

/// Ethernet address of the back-end `server-<number>`.
pub fn backend_mac(number: u8) -> Mac {
    Mac::new([2, 0, 0, 0, 1, number])
}

/// Buckets that every flow table has room for. A vector may use fewer.
pub const BUCKETS: u32 = 256;

/// Keys of the flow hash.
pub const FLOW_SECRET: [u64; 2] = [0x0123_4567_89ab_cdef, 0xfedc_ba98_7654_3210];
