//! Whole positions of a ring in proportion to weights.

use std::cmp::Reverse;

/// How many of `positions` each of the weights gets, by the method of the largest remainder: each gets its exact share, rounded up or
/// down. But each gets at least one: what a weight has that is too small for one comes from all others, in proportion.
///
/// Weights are positive, and there are at least as many positions as weights.
pub(super) fn apportion(weights: &[u64], positions: usize) -> Vec<usize> {
    let total: u128 = weights.iter().map(|&weight| u128::from(weight)).sum();
    // What each should get besides its first position, in units of 1 / total of a position.
    let more = |&weight: &u64| (u128::from(weight) * positions as u128).saturating_sub(total);
    let more: Vec<u128> = weights.iter().map(more).collect();
    // If each weight is large enough for its first position, this is the total times the positions that are left.
    let all_more = more.iter().sum::<u128>().max(1);
    let left = positions.saturating_sub(weights.len()) as u128;

    let mut shares: Vec<usize> = more.iter().map(|more| 1 + (more * left / all_more) as usize).collect();
    let mut by_remainder: Vec<usize> = (0..weights.len()).collect();
    by_remainder.sort_by_key(|&index| Reverse(more[index] * left % all_more));
    let rounded_down = positions.saturating_sub(shares.iter().sum());
    for index in by_remainder.into_iter().take(rounded_down) {
        shares[index] += 1;
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn shares_that_come_out_even_are_exact() {
        assert_eq!(apportion(&[5, 1, 1], 7), [5, 1, 1]);
        assert_eq!(apportion(&[5, 1, 1], 21), [15, 3, 3]);
    }

    #[test]
    fn the_largest_remainders_round_up_and_the_first_of_equal_ones() {
        assert_eq!(apportion(&[50, 29, 21], 10), [5, 3, 2]);
        assert_eq!(apportion(&[1, 1, 1], 5), [2, 2, 1]);
    }

    #[test]
    fn who_is_too_light_for_a_position_gets_one_from_the_others() {
        assert_eq!(apportion(&[1_000, 2_000, 1], 10), [3, 6, 1]);
        assert_eq!(apportion(&[1_000, 1, 1], 3), [1, 1, 1]);
    }

    #[test]
    fn nobody_gets_nothing() {
        assert!(apportion(&[], 10).is_empty());
    }

    proptest! {
        #[test]
        fn every_position_is_given_away_and_everybody_gets_one(
            weights in prop::collection::vec(1u64..=u64::from(u32::MAX), 1..50),
            more in 0usize..200_000,
        ) {
            let positions = weights.len() + more;
            let shares = apportion(&weights, positions);
            prop_assert_eq!(shares.iter().sum::<usize>(), positions);
            prop_assert!(shares.iter().all(|&share| share >= 1));
        }

        #[test]
        fn a_share_is_less_than_one_position_off(
            weights in prop::collection::vec(1u64..=256, 1..50),
            positions in 12_800usize..200_000,
        ) {
            let total: u64 = weights.iter().sum();
            for (weight, share) in weights.iter().zip(apportion(&weights, positions)) {
                // In units of 1 / total of a position.
                let (exact, share) = (weight * positions as u64, share as u64 * total);
                prop_assert!(exact.abs_diff(share) < total);
            }
        }
    }
}
