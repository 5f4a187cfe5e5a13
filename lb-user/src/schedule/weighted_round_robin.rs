use super::Candidate;
use super::smooth::smooth_ring;

/// Most positions of a ring that is walked: 128 KiB.
pub(super) const MAX_POSITIONS: usize = 1 << 16;

/// The ring of weighted round robin: every back-end as often as its weight says, after division of all weights by what they have in
/// common. All have weight.
///
/// If that would be more than [`MAX_POSITIONS`], shares are rounded to those: each is less than one position off, but a weight that is
/// too small for one position gets one.
pub(super) fn weighted_round_robin_ring(backends: &[Candidate]) -> Vec<u16> {
    let weights = backends.iter().map(|backend| (backend.slot, u64::from(backend.weight)));
    smooth_ring(weights, positions(backends))
}

/// Positions of that ring.
pub(super) fn positions(backends: &[Candidate]) -> usize {
    exact_positions(backends).min(MAX_POSITIONS)
}

/// Positions of the shortest ring with shares that are exact.
pub(super) fn exact_positions(backends: &[Candidate]) -> usize {
    let weights = backends.iter().map(|backend| usize::from(backend.weight));
    weights.clone().sum::<usize>() / weights.fold(0, greatest_common_divisor).max(1)
}

fn greatest_common_divisor(a: usize, b: usize) -> usize {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::testing::{candidates, shares};

    fn ring(weights: impl IntoIterator<Item = u16>) -> Vec<u16> {
        weighted_round_robin_ring(&candidates(weights))
    }

    #[test]
    fn equal_weights_are_round_robin() {
        assert_eq!(ring([7; 5]), [0, 1, 2, 3, 4]);
    }

    #[test]
    fn common_factors_make_no_difference() {
        assert_eq!(ring([2, 5, 3]), [1, 2, 0, 1, 1, 2, 1, 0, 2, 1]);
        assert_eq!(ring([40, 100, 60]), ring([2, 5, 3]));
    }

    #[test]
    fn shares_are_exact_up_to_the_bound() {
        let weights: Vec<u16> = [1, 255].into_iter().chain([256; 255]).collect();
        let ring = ring(weights.clone());
        assert_eq!(ring.len(), MAX_POSITIONS);
        assert!(shares(&ring).into_values().eq(weights.into_iter().map(usize::from)));
    }

    #[test]
    fn a_ring_that_would_be_too_long_is_rounded_and_leaves_nobody_out() {
        let ring = ring((0..1_024).map(|slot| if slot == 0 { 1 } else { 256 }));
        assert_eq!(ring.len(), MAX_POSITIONS);
        let shares = shares(&ring);
        assert_eq!(shares[&0], 1);
        // 256 * 65,536 / 261,889 is 64.06.
        assert!((1..1_024).all(|slot| (64..=65).contains(&shares[&slot])));
    }
}
