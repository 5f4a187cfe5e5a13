//! The one network that all vectors play in: the balancer between a router, which all clients are behind, and its back-ends.

use lb_common::wire::Mac;
use std::net::Ipv4Addr;

/// The router's Ethernet address: packets come from it.
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

/// The interface with this name.
pub fn interface(name: &str) -> Option<Interface> {
    [WAN, LAN].into_iter().find(|interface| interface.name == name)
}

/// The balancer's own address, on [`WAN`]: back-ends are in the same subnet of 24 bits.
pub const BALANCER: Ipv4Addr = Ipv4Addr::new(10, 0, 1, 100);

/// Address of the back-end `server-<number>`.
pub fn backend_address(number: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 0, 1, number)
}

/// Ethernet address of the back-end `server-<number>`.
pub fn backend_mac(number: u8) -> Mac {
    Mac::new([2, 0, 0, 0, 1, number])
}

/// Buckets that every flow table has room for. A vector may use fewer.
pub const BUCKETS: u32 = 256;

/// Keys of the flow hash.
pub const FLOW_SECRET: [u64; 2] = [0x0123_4567_89ab_cdef, 0xfedc_ba98_7654_3210];
