use std::collections::BTreeMap;

/// The part of a ring's positions that mean somebody else than before, 0 to 1: what moves of the flows that index it. Rings of different
/// lengths are laid over each other.
pub(super) fn moved_positions<T: PartialEq>(before: &[T], after: &[T]) -> f64 {
    if before.is_empty() || after.is_empty() {
        return if before.len() == after.len() { 0.0 } else { 1.0 };
    }
    let at = |index: usize| &before[index * before.len() / after.len()];
    let moved = after.iter().enumerate().filter(|(index, slot)| at(*index) != *slot).count();
    moved as f64 / after.len() as f64
}

/// The part of the new flows that go to somebody else than before, 0 to 1, on a ring that is walked: the positions of a back-end are of
/// no account there, only how many it has.
pub(super) fn moved_shares<T: Ord + Copy>(before: &[T], after: &[T]) -> f64 {
    if before.is_empty() || after.is_empty() {
        return moved_positions(before, after);
    }
    let (old, new) = (shares(before), shares(after));
    let kept = new.iter().map(|(who, share)| share.min(old.get(who).copied().unwrap_or(0.0)));
    (1.0 - kept.sum::<f64>()).max(0.0)
}

fn shares<T: Ord + Copy>(ring: &[T]) -> BTreeMap<T, f64> {
    let mut shares = BTreeMap::new();
    for &who in ring {
        *shares.entry(who).or_default() += 1.0 / ring.len() as f64;
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_that_mean_somebody_else_have_moved() {
        assert_eq!(moved_positions(&[1, 2, 3, 4], &[1, 2, 4, 4]), 0.25);
        assert_eq!(moved_positions(&[1, 2], &[1, 1, 2, 2]), 0.0);
        assert_eq!(moved_positions::<u8>(&[], &[]), 0.0);
        assert_eq!(moved_positions(&[1], &[]), 1.0);
    }

    #[test]
    fn shares_count_on_a_ring_that_is_walked() {
        assert_eq!(moved_shares(&[1, 2], &[2, 1]), 0.0);
        assert!((moved_shares(&[1, 2], &[1, 2, 3]) - 1.0 / 3.0).abs() < 1e-9);
        assert_eq!(moved_shares(&[1, 2], &[1]), 0.5);
    }
}
