use super::*;
use crate::schedule::testing::{candidates, shares};
use lb_common::abi::MAX_BACKENDS_PER_SERVICE;
use proptest::prelude::*;
use std::net::Ipv6Addr;

/// Idle back-ends 2001:db8::0 and so on.
fn candidates_v6(weights: impl IntoIterator<Item = u16>) -> Vec<Candidate> {
    let address = |slot| Address::new(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, slot).octets());
    candidates(weights).into_iter().map(|backend| Candidate { address: address(backend.slot), ..backend }).collect()
}

/// Back-ends of both address families and different weights.
fn mixed() -> Vec<Candidate> {
    let v6 = candidates_v6([1, 2, 3]).into_iter().map(|backend| Candidate { slot: backend.slot + 3, ..backend });
    candidates([1, 2, 3]).into_iter().chain(v6).collect()
}

/// FNV-1a, 64 bits, over the positions in little-endian byte order.
fn digest(ring: &[u16]) -> u64 {
    let bytes = ring.iter().flat_map(|slot| slot.to_le_bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

/// Balancers of one cluster must agree on their rings, whatever version they run: sets of back-ends, the digests of their rings, and
/// the first positions.
type Golden = [(Vec<Candidate>, u64, [u16; 8]); 4];

fn assert_frozen(ring: fn(&[Candidate]) -> Vec<u16>, golden: Golden) {
    for (backends, frozen, first) in golden {
        let ring = ring(&backends);
        assert_eq!((digest(&ring), &ring[..8]), (frozen, &first[..]), "{backends:?}");
    }
}

#[test]
fn the_consistent_ring_is_frozen() {
    assert_frozen(
        consistent_ring,
        [
            (candidates([1; 5]), 0x4a60_7d95_f389_ae65, [3, 3, 1, 1, 0, 4, 4, 1]),
            (candidates((0..100).map(|slot| slot % 4 + 1)), 0xfea3_ea30_39b2_8b52, [86, 93, 14, 19, 29, 79, 79, 51]),
            (candidates_v6([1; 5]), 0x18d9_81d7_bdd7_6a7d, [1, 2, 4, 4, 4, 4, 2, 4]),
            (mixed(), 0xb5ad_ba47_c559_46c3, [4, 2, 5, 2, 0, 5, 5, 1]),
        ],
    );
}

#[test]
fn the_maglev_ring_is_frozen() {
    assert_frozen(
        maglev_ring,
        [
            (candidates([1; 3]), 0x6720_86e9_a4ea_69ff, [2, 1, 2, 2, 1, 0, 0, 0]),
            (candidates((0..100).map(|slot| slot % 4 + 1)), 0x0890_488e_e1c6_f0d6, [11, 10, 3, 66, 99, 39, 84, 59]),
            (candidates_v6([1; 100]), 0xa6e1_8cfe_6053_1721, [94, 3, 53, 70, 27, 40, 59, 45]),
            (mixed(), 0x4618_b837_4f04_704b, [3, 1, 5, 2, 1, 5, 3, 0]),
        ],
    );
}

#[test]
fn sizes_are_prime() {
    let is_prime = |size: usize| {
        (2..size).take_while(|divisor| divisor * divisor <= size).all(|divisor| !size.is_multiple_of(divisor))
    };
    assert!(CONSISTENT_SIZES.into_iter().chain([MAGLEV_SIZE]).all(is_prime));
}

#[test]
fn every_backend_has_100_positions_of_the_consistent_ring() {
    for backends in 1..=MAX_BACKENDS_PER_SERVICE {
        assert!(consistent_size(backends) >= 100 * backends, "{backends}");
    }
}

#[test]
fn equal_shares_are_equal_to_one_position() {
    for count in [1_u16, 3, 10, 100, 1_024] {
        let backends = candidates((0..count).map(|_| 1));
        for ring in [consistent_ring(&backends), maglev_ring(&backends)] {
            let shares = shares(&ring);
            let (least, most) = (shares.values().min(), shares.values().max());
            assert_eq!(shares.len(), usize::from(count));
            assert!(most.zip(least).is_some_and(|(most, least)| most - least <= 1));
        }
    }
}

#[test]
fn turns_are_spread_over_the_rounds() {
    assert_eq!(turns(&[2, 2, 1]), [0, 1, 2, 0, 1]);
    assert_eq!(turns(&[4, 2, 1]), [0, 1, 2, 0, 0, 1, 0]);
    assert_eq!(turns(&[1, 3, 2]), [0, 1, 2, 1, 2, 1]);
}

/// Positions, in thousandths of all, that changed hands between two back-ends that both rings have, other than `changed`.
fn moved(before: &[u16], after: &[u16], changed: u16) -> f64 {
    let moved = |&(before, after): &(&u16, &u16)| before != after && *before != changed && *after != changed;
    1_000.0 * before.iter().zip(after).filter(moved).count() as f64 / before.len() as f64
}

#[test]
fn one_that_leaves_or_comes_moves_less_than_one_percent_besides_its_share() {
    let weighted = (0..100).map(|slot| slot % 16 + 1);
    for all in [candidates([1; 100]), candidates_v6([1; 100]), candidates(weighted)] {
        let with = maglev_ring(&all);
        for index in (0..100).step_by(9) {
            let mut others = all.clone();
            let changed = others.remove(index).slot;
            let moved = moved(&with, &maglev_ring(&others), changed);
            assert!(moved <= 10.0, "{moved} of a thousand with and without {index}");
        }
    }
}

#[test]
fn another_weight_moves_less_than_one_percent_besides_the_difference() {
    let before = candidates([10; 100]);
    for weight in [1, 5, 9, 11, 20, 40] {
        let mut after = before.clone();
        after[50].weight = weight;
        let moved = moved(&maglev_ring(&before), &maglev_ring(&after), after[50].slot);
        assert!(moved <= 10.0, "{moved} of a thousand with weight {weight}");
    }
}

#[test]
fn the_consistent_ring_moves_little_too() {
    for count in [8_u16, 16, 100, 300] {
        let all = candidates((0..count).map(|_| 1));
        let with = consistent_ring(&all);
        for index in (0..usize::from(count)).step_by(29) {
            let mut others = all.clone();
            let changed = others.remove(index).slot;
            let without = consistent_ring(&others);
            assert_eq!(with.len(), without.len());
            let moved = moved(&with, &without, changed);
            assert!(moved <= 30.0, "{moved} of a thousand without {index} of {count}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn a_share_is_less_than_one_position_off(weights in prop::collection::vec(1u16..=256, 1..100)) {
        let shares = shares(&maglev_ring(&candidates(weights.iter().copied())));
        let all: usize = weights.iter().map(|&weight| usize::from(weight)).sum();
        for (slot, &weight) in (0..).zip(&weights) {
            // In units of 1 / all of a position.
            prop_assert!((shares[&slot] * all).abs_diff(usize::from(weight) * MAGLEV_SIZE) < all);
        }
    }

    #[test]
    fn slots_and_what_weights_have_in_common_do_not_matter(
        weights in prop::collection::vec(1u16..=16, 1..30),
        offset in 0u16..1_000,
        factor in 1u16..16,
    ) {
        let backends = candidates(weights);
        let others: Vec<Candidate> = backends
            .iter()
            .map(|backend| Candidate { slot: backend.slot + offset, weight: backend.weight * factor, ..*backend })
            .collect();
        let ring = consistent_ring(&backends).into_iter().map(|slot| slot + offset);
        prop_assert!(ring.eq(consistent_ring(&others)));
    }
}
