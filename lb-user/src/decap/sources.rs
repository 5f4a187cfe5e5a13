use crate::config::Prefix;
use lb_common::abi::Address;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Leading bits that say that an address in the map's form is of IPv4.
const FAMILY_BITS: u8 = 96;

/// A prefix of sources in the map's form, in which IPv4 addresses are mapped. An IPv6 prefix that covers them all becomes those beside them,
/// so that it lets in its own family only.
pub(super) fn prefixes(prefix: &Prefix) -> Vec<(Address, u8)> {
    let mapped = Ipv4Addr::UNSPECIFIED.to_ipv6_mapped().to_bits();
    match prefix.address {
        IpAddr::V4(_) => vec![(Address::from(prefix.address), FAMILY_BITS + prefix.len)],
        IpAddr::V6(first) if prefix.len < FAMILY_BITS && first.to_bits() == leading(mapped, prefix.len) => {
            // Those that leave the way to the mapped addresses at one bit.
            let beside = (prefix.len + 1..=FAMILY_BITS).map(|len| (leading(mapped ^ 1 << (128 - len), len), len));
            beside.map(|(bits, len)| (Address::from(IpAddr::from(Ipv6Addr::from_bits(bits))), len)).collect()
        }
        IpAddr::V6(_) => vec![(Address::from(prefix.address), prefix.len)],
    }
}

/// The address with its leading `len` bits and zeroes behind them.
fn leading(bits: u128, len: u8) -> u128 {
    bits & u128::MAX.checked_shl(u32::from(128 - len)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether the prefix lets tunnels in that begin at `source`.
    fn lets_in(prefix: &str, source: &str) -> bool {
        let source: IpAddr = source.parse().unwrap();
        let bits = |address: Address| u128::from_be_bytes(address.octets());
        let covers = |(first, len): &(Address, u8)| leading(bits(Address::from(source)), *len) == bits(*first);
        prefixes(&prefix.parse().unwrap()).iter().any(covers)
    }

    #[test]
    fn ipv6_prefixes_let_in_ipv6_only() {
        for prefix in ["::/0", "::/1", "::/64", "::/80"] {
            assert!(!lets_in(prefix, "10.0.0.1") && !lets_in(prefix, "255.255.255.255"), "{prefix}");
            assert!(lets_in(prefix, "::1"), "{prefix}");
        }
        for source in ["2001:db8::1", "fe80::1", "::fffe:ffff:ffff", "::1:0:0:0", "ffff::"] {
            assert!(lets_in("::/0", source), "{source}");
        }
        assert!(!lets_in("::/80", "::1:0:0:0"));
    }

    #[test]
    fn other_prefixes_are_what_they_were() {
        assert_eq!(prefixes(&"10.0.0.0/8".parse().unwrap()), [(Address::from_v4([10, 0, 0, 0]), 104)]);
        assert!(lets_in("0.0.0.0/0", "192.0.2.1") && !lets_in("0.0.0.0/0", "::1"));
        assert_eq!(prefixes(&"2001:db8::/32".parse().unwrap()).len(), 1);
    }
}
