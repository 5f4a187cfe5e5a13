//! The 5-tuple and its keyed hash.

use crate::abi::{Address, ServiceKey, ServiceKind};
use crate::wire::Be16;

/// What tells one flow from another, as it arrives from the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(C)]
pub struct FlowKey {
    /// The client's address.
    pub source: Address,
    /// The VIP.
    pub destination: Address,
    /// The ports.
    pub ports: Ports,
    /// The IP protocol.
    pub protocol: u32,
}

const _: () = assert!(size_of::<FlowKey>() == 40);

/// The ports of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(C)]
pub struct Ports {
    /// The sender's.
    pub source: Be16,
    /// The receiver's.
    pub destination: Be16,
}

impl Ports {
    /// Both, as they are in memory.
    #[inline(always)]
    pub(crate) fn word(self) -> u64 {
        u64::from(self.source.raw()) | u64::from(self.destination.raw()) << 16
    }
}

impl FlowKey {
    /// No flow.
    pub const BLANK: Self = Self {
        source: Address::UNSPECIFIED,
        destination: Address::UNSPECIFIED,
        ports: Ports { source: Be16::new(0), destination: Be16::new(0) },
        protocol: 0,
    };

    /// The service of one port that the flow is for.
    #[inline(always)]
    pub fn service(&self) -> ServiceKey {
        ServiceKey {
            address: self.destination,
            port: self.ports.destination,
            protocol: self.protocol as u8,
            kind: ServiceKind::PORT,
        }
    }

    /// A hash of the flow under `secret`: [`hash_v4`] or [`hash_v6`].
    #[inline(always)]
    pub fn hash(&self, secret: [u64; 2]) -> u64 {
        if self.source.is_v4() && self.destination.is_v4() {
            let ([.., source], [.., destination]) = (self.source.words(), self.destination.words());
            hash_v4(source, destination, self.ports, self.protocol as u8, secret)
        } else {
            hash_v6(self.source.words(), self.destination.words(), self.ports, self.protocol as u8, secret)
        }
    }
}

/// A hash of an IPv4 flow under `secret`. Addresses are words in memory order.
///
/// Without the secret nobody can choose flows that share a bucket of the flow table or that pass for each other. Two
/// multiply-and-fold rounds take in the tuple, a last one spreads it over all 64 bits.
#[inline(always)]
pub fn hash_v4(source: u32, destination: u32, ports: Ports, protocol: u8, secret: [u64; 2]) -> u64 {
    let addresses = u64::from(source) | u64::from(destination) << 32;
    let rest = ports.word() | u64::from(protocol) << 32;
    fold(fold(fold(addresses ^ secret[0]) ^ rest ^ secret[1]))
}

/// A hash of an IPv6 flow under `secret`: as [`hash_v4`], with a round for each half of an address.
#[inline(always)]
pub fn hash_v6(source: [u32; 4], destination: [u32; 4], ports: Ports, protocol: u8, secret: [u64; 2]) -> u64 {
    let rest = ports.word() | u64::from(protocol) << 32;
    let addresses = hash_address(source, [secret[0], hash_address(destination, secret)]);
    fold(fold(addresses ^ rest ^ secret[1]))
}

/// A hash of an address, as words in memory order, under `secret`.
#[inline(always)]
pub fn hash_address([a, b, c, d]: [u32; 4], secret: [u64; 2]) -> u64 {
    let half = |low: u32, high: u32| u64::from(low) | u64::from(high) << 32;
    fold(fold(half(a, b) ^ secret[0]) ^ half(c, d) ^ secret[1])
}

/// Multiplication carries upwards only, so the upper half is folded onto the lower one.
#[inline(always)]
fn fold(word: u64) -> u64 {
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15; // 2⁶⁴ divided by the golden ratio
    let product = (word ^ (word >> 32)).wrapping_mul(ODD);
    product ^ (product >> 29)
}

/// Keys of the hash that the consistent ring is indexed by: the same on every balancer, so that a flow that moves from one to
/// another still reaches its back-end.
pub const CONSISTENT_SECRET: [u64; 2] = [0x243f_6a88_85a3_08d3, 0x1319_8a2e_0370_7344];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::vec;

    fn key(source: u32, source_port: u16) -> FlowKey {
        FlowKey {
            source: Address::from_v4(source.to_be_bytes()),
            destination: Address::from_v4([192, 0, 2, 1]),
            ports: Ports { source: Be16::new(source_port), destination: Be16::new(443) },
            protocol: 6,
        }
    }

    fn key_v6(source: u128, source_port: u16) -> FlowKey {
        FlowKey {
            source: Address::new((0x2001_0db8 << 96 | source).to_be_bytes()),
            destination: Address::new([0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
            ..key(0, source_port)
        }
    }

    #[test]
    fn the_hash_is_frozen() {
        // Balancers of one cluster must agree on the consistent ring, whatever version they run.
        let hashes = [key(0x0a00_0001, 40_000), key(0x0a00_0002, 40_000), key(0x0a00_0001, 40_001)]
            .map(|key| key.hash(CONSISTENT_SECRET));
        assert_eq!(hashes, [10_696_974_219_579_116_579, 11_787_232_073_765_975_989, 10_289_002_710_230_600_450]);
        assert_eq!(
            [key_v6(1, 40_000), key_v6(2, 40_000)].map(|key| key.hash(CONSISTENT_SECRET)),
            [16_145_217_153_986_175_231, 12_491_704_579_528_634_529]
        );
    }

    #[test]
    fn consecutive_clients_and_ports_spread_over_buckets() {
        const BUCKETS: usize = 1 << 12;
        let mut load = vec![0u32; BUCKETS];
        for source in 0..256 {
            for port in 0..256 {
                load[(key(0x0a00_0000 + source, 40_000 + port).hash([1, 2]) >> 32) as usize % BUCKETS] += 1;
            }
        }
        // 16 a bucket on average; a Poisson spread leaves the most loaded of 4,096 below 40.
        assert!(load.iter().all(|&flows| (1..40).contains(&flows)), "{:?}", load.iter().max());
    }

    proptest! {
        #[test]
        fn one_changed_bit_changes_about_half_of_the_hash(source: u32, port: u16, secret: [u64; 2], bit in 0..48u32) {
            let before = key(source, port).hash(secret);
            let after = if bit < 32 {
                key(source ^ 1 << bit, port)
            } else {
                key(source, port ^ 1 << (bit - 32))
            }.hash(secret);
            let changed = (before ^ after).count_ones();
            prop_assert!((8..=56).contains(&changed), "{changed} bits");
        }

        #[test]
        fn one_changed_bit_changes_about_half_of_an_ipv6_hash(source: u64, port: u16, secret: [u64; 2], bit in 0..64u32) {
            let hash = |source: u64| key_v6(source.into(), port).hash(secret);
            let changed = (hash(source) ^ hash(source ^ 1 << bit)).count_ones();
            prop_assert!((8..=56).contains(&changed), "{changed} bits");
        }

        #[test]
        fn the_secret_changes_the_hash(source: u32, port: u16, a: [u64; 2], b: [u64; 2]) {
            prop_assume!(a != b);
            prop_assert_ne!(key(source, port).hash(a), key(source, port).hash(b));
        }
    }
}
