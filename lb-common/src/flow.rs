//! The 5-tuple and its keyed hash.

use crate::abi::{Address, ServiceKey};
use crate::wire::Be16;

/// What tells one flow from another, as it arrives from the client. Words in memory order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(C)]
pub struct FlowKey {
    /// The client's IPv4 address.
    pub source: u32,
    /// The VIP.
    pub destination: u32,
    /// The client's port.
    pub source_port: Be16,
    /// The service's port.
    pub destination_port: Be16,
    /// The IP protocol.
    pub protocol: u32,
}

const _: () = assert!(size_of::<FlowKey>() == 16);

impl FlowKey {
    /// The service that the flow is for.
    #[inline(always)]
    pub fn service(&self) -> ServiceKey {
        ServiceKey {
            address: Address::from_v4(self.destination.to_ne_bytes()),
            port: self.destination_port,
            protocol: self.protocol as u8,
            padding: 0,
        }
    }

    /// A hash of the flow under `secret`.
    ///
    /// Without the secret nobody can choose flows that share a bucket of the flow table or that pass for each other. Two
    /// multiply-and-fold rounds take in the tuple, a last one spreads it over all 64 bits.
    #[inline(always)]
    pub fn hash(&self, secret: [u64; 2]) -> u64 {
        let addresses = u64::from(self.source) | u64::from(self.destination) << 32;
        let ports = u64::from(self.source_port.raw()) | u64::from(self.destination_port.raw()) << 16;
        let rest = ports | u64::from(self.protocol) << 32;
        fold(fold(fold(addresses ^ secret[0]) ^ rest ^ secret[1]))
    }
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
            source: source.to_be(),
            destination: u32::from_ne_bytes([192, 0, 2, 1]),
            source_port: Be16::new(source_port),
            destination_port: Be16::new(443),
            protocol: 6,
        }
    }

    #[test]
    fn the_hash_is_frozen() {
        // Balancers of one cluster must agree on the consistent ring, whatever version they run.
        let hashes = [key(0x0a00_0001, 40_000), key(0x0a00_0002, 40_000), key(0x0a00_0001, 40_001)]
            .map(|key| key.hash(CONSISTENT_SECRET));
        assert_eq!(hashes, [10_696_974_219_579_116_579, 11_787_232_073_765_975_989, 10_289_002_710_230_600_450]);
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
        fn the_secret_changes_the_hash(source: u32, port: u16, a: [u64; 2], b: [u64; 2]) {
            prop_assume!(a != b);
            prop_assert_ne!(key(source, port).hash(a), key(source, port).hash(b));
        }
    }
}
