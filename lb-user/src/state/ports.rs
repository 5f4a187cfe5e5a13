use super::PortsPrefix;
use lb_common::abi::{Address, PortsKey};
use lb_common::wire::Be16;

/// The fewest prefixes that hold the ports from `first` to `last` and no others: 30 at most.
pub fn port_prefixes(address: Address, protocol: u8, first: u16, last: u16) -> Vec<PortsPrefix> {
    let mut prefixes = Vec::new();
    let (mut next, end) = (u32::from(first), u32::from(last) + 1);
    while next < end {
        // The largest block that begins here and does not go beyond the end.
        let aligned = if next == 0 { 16 } else { next.trailing_zeros().min(16) };
        let block = aligned.min((end - next).ilog2());
        let first = PortsKey { address, protocol, padding: 0, port: Be16::new(next as u16) };
        prefixes.push(PortsPrefix { first, bits: PortsKey::BITS - block });
        next += 1 << block;
    }
    prefixes
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn prefixes(first: u16, last: u16) -> Vec<(u16, u32)> {
        let prefixes = port_prefixes(Address::UNSPECIFIED, 6, first, last);
        prefixes.into_iter().map(|prefix| (prefix.first.port.get(), prefix.bits - PortsKey::ADDRESS_BITS)).collect()
    }

    #[test]
    fn a_range_is_split_at_powers_of_two() {
        assert_eq!(prefixes(0, 65_535), [(0, 0)]);
        assert_eq!(prefixes(8_000, 8_099), [(8_000, 10), (8_064, 11), (8_096, 14)]);
        assert_eq!(prefixes(1, 65_534).len(), 30);
    }

    proptest! {
        #[test]
        fn the_prefixes_hold_the_range_and_nothing_else(a: u16, b: u16, port: u16) {
            let (first, last) = (a.min(b), a.max(b));
            let holds = |&(start, bits): &(u16, u32)| (u32::from(start) ^ u32::from(port)) >> (16 - bits) == 0;
            let holders = prefixes(first, last).iter().filter(|prefix| holds(prefix)).count();
            prop_assert_eq!(holders, usize::from((first..=last).contains(&port)));
        }
    }
}
