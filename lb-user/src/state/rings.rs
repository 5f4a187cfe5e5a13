//! Which ring positions are free.
//!
//! A service's new rings are written next to its old ones, and the service's entry switches from one to the other at once. A packet
//! that is just being decided may still read the old rings, so their positions rest for a while before they are used again.

use lb_common::abi::{MAX_RING_POSITIONS, RING_CHUNK, Ticks, ticks_between};
use std::ops::Range;

/// How long released positions rest: two ticks are at least one second, a million times longer than a decision takes.
const REST: Ticks = 2;

/// The ring positions that are resting.
#[derive(Clone, Debug, Default)]
pub struct RingSpace {
    resting: Vec<(Range<u32>, Ticks)>,
}

impl RingSpace {
    /// Positions that were released at `now`.
    pub fn release(&mut self, positions: Range<u32>, now: Ticks) {
        if !positions.is_empty() {
            self.resting.push((positions, now));
        }
    }

    /// Whether nothing is resting: what is not free now will not be.
    pub(super) fn is_settled(&self) -> bool {
        self.resting.is_empty()
    }

    /// What is free at `now`, besides the positions `in_use`.
    pub(super) fn free(&mut self, in_use: impl Iterator<Item = Range<u32>>, now: Ticks) -> FreePositions {
        self.resting.retain(|&(_, since)| ticks_between(since, now) < REST);
        let resting = self.resting.iter().map(|(positions, _)| positions.clone());
        let mut taken: Vec<_> = in_use.chain(resting).filter(|positions| !positions.is_empty()).collect();
        taken.sort_unstable_by_key(|positions| positions.start);
        FreePositions { taken }
    }
}

/// The gaps between the positions that are taken, which are in order.
pub(super) struct FreePositions {
    taken: Vec<Range<u32>>,
}

impl FreePositions {
    /// As [`Self::take`], for two rings: both or none.
    pub(super) fn take_all(&mut self, [first, second]: [u32; 2]) -> Option<[u32; 2]> {
        let start = self.take(first)?;
        let other = self.take(second);
        if other.is_none() {
            self.taken.retain(|taken| *taken != (start..start + first));
        }
        Some([start, other?])
    }

    /// The start of the first gap of `len` positions, which are taken from now on; `None` when no gap is large enough. Rings start
    /// at a chunk of their own, so that writing one never touches another.
    pub(super) fn take(&mut self, len: u32) -> Option<u32> {
        let mut start = 0;
        let mut index = self.taken.len();
        for (next, taken) in self.taken.iter().enumerate() {
            if start + len <= taken.start {
                index = next;
                break;
            }
            start = start.max(taken.end.next_multiple_of(RING_CHUNK as u32));
        }
        if start + len > MAX_RING_POSITIONS {
            return None;
        }
        if len > 0 {
            self.taken.insert(index, start..start + len);
        }
        Some(start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::iter;

    #[test]
    fn released_positions_rest_before_they_are_used_again() {
        let mut space = RingSpace::default();
        space.release(0..100, 10);
        assert_eq!(space.free(iter::empty(), 11).take(5), Some(128));
        assert_eq!(space.free(iter::empty(), 12).take(5), Some(0));
    }

    #[test]
    fn a_full_space_gives_nothing() {
        let mut free = RingSpace::default().free(iter::once(0..MAX_RING_POSITIONS - 32), 0);
        assert_eq!(free.take(33), None);
        assert_eq!(free.take(32), Some(MAX_RING_POSITIONS - 32));
        assert_eq!(free.take(1), None);
    }

    #[test]
    fn rings_that_do_not_fit_together_take_nothing() {
        let mut free = RingSpace::default().free(iter::once(0..MAX_RING_POSITIONS - 64), 0);
        assert_eq!(free.take_all([32, 33]), None);
        assert_eq!(free.take_all([32, 32]), Some([MAX_RING_POSITIONS - 64, MAX_RING_POSITIONS - 32]));
    }

    proptest! {
        #[test]
        fn taken_rings_never_overlap(lens in prop::collection::vec(1u32..70_000, 1..60)) {
            let mut free = RingSpace::default().free([100..200, 5_000..6_000].into_iter(), 0);
            let mut rings: Vec<Range<u32>> = vec![100..200, 5_000..6_000];
            for len in lens {
                let start = free.take(len).expect("60 rings of 70,000 fit in four million positions");
                prop_assert_eq!(start % RING_CHUNK as u32, 0);
                rings.push(start..start + len);
            }
            rings.sort_by_key(|ring| ring.start);
            prop_assert!(rings.is_sorted_by(|before, after| before.end <= after.start));
        }
    }
}
