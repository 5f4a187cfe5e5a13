//! Packets in tunnels, and the back-end that they are for: its packet logic on the host.
//!
//! | module | what it holds |
//! |---|---|
//! | `packet` | from the description of a tunnelled packet to its bytes |
//! | `cases` | a packet for everything that can happen to one |

mod cases;
mod packet;

pub use cases::{Case, cases};
pub use packet::{GUE_PORT, Packet, inner};

use lb_common::abi::Address;
use lb_common::decap::{self, Family, Settings, Tables, Verdict};
use lb_common::frame::Frame;

/// The back-end's own addresses, by family.
pub const OWN: [&str; 2] = ["10.0.1.1", "fd00:1::1"];
/// The VIPs, by family.
pub const VIP: [&str; 2] = ["192.0.2.10", "2001:db8::10"];
/// The balancer, by family.
pub const BALANCER: [&str; 2] = ["10.0.1.100", "fd00:1::100"];
/// Where tunnels may begin: the subnets of the balancer. How many of their leading bits count, of 128 for either family.
pub const SOURCES: [(&str, u8); 2] = [("10.0.1.0", 96 + 24), ("fd00:1::", 64)];

/// The element for `family` of two that there are by family.
pub fn of<T: Copy>(pair: [T; 2], family: Family) -> T {
    pair[family as usize]
}

/// `text`, which is an address, as the maps have it.
///
/// # Panics
/// When it is none.
pub fn address(text: &str) -> Address {
    match text.parse() {
        Ok(std::net::IpAddr::V4(v4)) => Address::from_v4(v4.octets()),
        Ok(std::net::IpAddr::V6(v6)) => Address::new(v6.octets()),
        Err(error) => panic!("{text}: {error}"),
    }
}

/// What a back-end with the addresses of this module knows.
#[derive(Clone, Copy, Debug)]
pub struct Backend {
    settings: Settings,
}

impl Default for Backend {
    fn default() -> Self {
        Self { settings: Settings::new(GUE_PORT) }
    }
}

impl Backend {
    /// What becomes of `frame`: the verdict, and how many bytes later it begins.
    pub fn receive(&self, frame: &mut [u8]) -> (Verdict, usize) {
        let mut frame = Frame::from_slice(frame);
        let outcome = decap::decide(self, &frame).and_then(|plan| decap::strip(&mut frame, &plan).map(|()| plan));
        match outcome {
            Ok(plan) => (Verdict::Decapsulated(plan.tunnel), plan.remove),
            Err(verdict) => (verdict, 0),
        }
    }
}

impl Tables for Backend {
    fn settings(&self) -> Option<&Settings> {
        Some(&self.settings)
    }

    fn is_own(&self, own: &Address) -> bool {
        OWN.iter().any(|text| address(text) == *own)
    }

    fn is_tunnel_source(&self, source: &Address) -> bool {
        let bits = |address: Address| u128::from_be_bytes(address.octets());
        SOURCES.iter().any(|&(first, len)| (bits(*source) ^ bits(address(first))).leading_zeros() >= len.into())
    }

    fn is_vip(&self, vip: &Address) -> bool {
        VIP.iter().any(|text| address(text) == *vip)
    }
}
