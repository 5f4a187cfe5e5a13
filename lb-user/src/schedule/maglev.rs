//! Maglev hashing (Eisenbud et al., NSDI 2016, section 3.4): every back-end fills the table in an order of its own, all taking
//! turns, so that they get equal shares, and one that leaves gives up little more than its own.

use lb_common::abi::Address;

/// Sizes of the table. Each is a prime, so that a walk of any step visits every position. Each is about twice the one before, so that
/// a table takes little more than twice what it needs, and two generations of all tables fit into the map of rings.
const SIZES: [usize; 8] = [1_021, 2_039, 4_093, 8_191, 16_381, 32_749, 65_521, 131_071];

/// The consistent ring of these back-ends, by slot and address. It depends on nothing else, in whatever order they come: balancers
/// that know the same addresses agree on it, though they keep them in other slots.
pub fn consistent_ring(backends: &[(u16, Address)]) -> Vec<u16> {
    if backends.is_empty() {
        return Vec::new();
    }
    let size = size_for(backends.len());
    let mut walks: Vec<Walk> = backends.iter().map(|&(slot, address)| Walk::new(slot, address, size)).collect();
    walks.sort_unstable_by_key(|walk| walk.address);

    let mut table: Vec<Option<u16>> = vec![None; size];
    let mut left = size;
    'fill: loop {
        for walk in &mut walks {
            let position = walk.next_free(&table);
            table[position] = Some(walk.slot);
            left -= 1;
            if left == 0 {
                break 'fill;
            }
        }
    }
    table.into_iter().flatten().collect()
}

/// Positions of the consistent ring of `backends` back-ends: at least 100 for each, so that shares differ by 1 % at most.
fn size_for(backends: usize) -> usize {
    SIZES.into_iter().find(|&size| size >= 100 * backends).unwrap_or(SIZES[SIZES.len() - 1])
}

/// The order in which one back-end asks for positions.
struct Walk {
    slot: u16,
    address: Address,
    position: usize,
    step: usize,
}

impl Walk {
    fn new(slot: u16, address: Address, size: usize) -> Self {
        let [high, low] = halves(address).map(|half| mix(half ^ 0x6a09_e667_f3bc_c908));
        let position = (mix(high ^ low.rotate_left(32)) % size as u64) as usize;
        let step = (mix(low.wrapping_add(high.rotate_left(17))) % (size as u64 - 1)) as usize + 1;
        Self { slot, address, position, step }
    }

    /// The first position of the walk that nobody has; moves on past it.
    fn next_free(&mut self, table: &[Option<u16>]) -> usize {
        loop {
            let position = self.position;
            self.position += self.step;
            if self.position >= table.len() {
                self.position -= table.len();
            }
            if table[position].is_none() {
                return position;
            }
        }
    }
}

fn halves(Address(bytes): Address) -> [u64; 2] {
    let number = u128::from_be_bytes(bytes);
    [(number >> 64) as u64, number as u64]
}

/// The finalizer of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
fn mix(mut word: u64) -> u64 {
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use lb_common::abi::MAX_BACKENDS_PER_SERVICE;
    use proptest::prelude::*;

    fn backends(count: u16) -> Vec<(u16, Address)> {
        (0..count).map(|index| (index, Address::from_v4([10, 0, (index >> 8) as u8, index as u8]))).collect()
    }

    fn shares(ring: &[u16]) -> Vec<usize> {
        let mut shares = vec![0; ring.iter().max().map_or(0, |&slot| usize::from(slot) + 1)];
        for &slot in ring {
            shares[usize::from(slot)] += 1;
        }
        shares
    }

    #[test]
    fn the_ring_is_frozen() {
        // Balancers of one cluster must agree on it, whatever version they run.
        let ring = consistent_ring(&backends(5));
        assert_eq!(ring[..20], [3, 3, 1, 1, 0, 4, 4, 1, 1, 3, 3, 0, 2, 1, 2, 0, 2, 3, 3, 1]);
    }

    #[test]
    fn sizes_are_prime() {
        let is_prime = |size: usize| {
            (2..size).take_while(|divisor| divisor * divisor <= size).all(|divisor| !size.is_multiple_of(divisor))
        };
        assert!(SIZES.into_iter().all(is_prime));
    }

    #[test]
    fn every_backend_has_100_positions() {
        for backends in 1..=MAX_BACKENDS_PER_SERVICE {
            assert!(size_for(backends) >= 100 * backends, "{backends}");
        }
    }

    #[test]
    fn nobody_makes_no_ring() {
        assert!(consistent_ring(&[]).is_empty());
    }

    #[test]
    fn shares_are_equal_to_one_position() {
        for count in [1, 3, 10, 100, 1_024] {
            let shares = shares(&consistent_ring(&backends(count)));
            let (least, most) = (shares.iter().min(), shares.iter().max());
            assert!(
                shares.len() == usize::from(count) && most.zip(least).is_some_and(|(most, least)| most - least <= 1)
            );
        }
    }

    #[test]
    fn one_that_leaves_moves_few_positions_of_the_others() {
        let all = backends(100);
        let before = consistent_ring(&all);
        let after = consistent_ring(&all[..99]);
        let moved = before.iter().zip(&after).filter(|&(&before, &after)| before != 99 && before != after).count();
        assert!(moved * 100 <= before.len() * 2, "{moved} of {}", before.len());
    }

    proptest! {
        #[test]
        fn order_and_slots_do_not_matter(
            mut backends in Just(backends(20)).prop_shuffle(),
            offset in 0u16..1_000,
        ) {
            let addresses = |backends: &[(u16, Address)]| {
                let ring = consistent_ring(backends);
                ring.iter().map(|slot| backends.iter().find(|(own, _)| own == slot).map(|&(_, address)| address)).collect::<Vec<_>>()
            };
            let before = addresses(&backends);
            backends.reverse();
            for (slot, _) in &mut backends {
                *slot += offset;
            }
            prop_assert_eq!(before, addresses(&backends));
        }
    }
}
