//! Smooth interleaving: the turns of a heavy back-end come evenly spread over the ring, not in a row that the light ones wait for.

use super::apportion::apportion;
use std::cmp::Reverse;

/// The ring of so many positions that has each slot in proportion to its weight (see [`apportion`]), in the order that nginx would pick
/// them in: at each position everybody's credit grows by its share; who has most credit, the heavier and then the lower slot
/// first, gets the position and pays for it with the sum of all shares.
///
/// Slots of equal shares take turns, so only one credit is kept for all of them, that of the one whose turn it is: the time goes with
/// the number of *different* shares, not with that of slots.
pub(super) fn smooth_ring(weights: impl Iterator<Item = (u16, u64)>, positions: usize) -> Vec<u16> {
    let (slots, weights): (Vec<u16>, Vec<u64>) = weights.unzip();
    let mut shares: Vec<(u16, usize)> = slots.into_iter().zip(apportion(&weights, positions)).collect();
    shares.sort_unstable_by_key(|&(slot, share)| (Reverse(share), slot));
    let mut classes: Vec<Class<'_>> = shares.chunk_by(|(_, share), (_, next)| share == next).map(Class::new).collect();
    (0..positions).filter_map(|_| richest(&mut classes).map(|class| class.pick(positions as i64))).collect()
}

/// The class that gets the next position.
fn richest<'c, 's>(classes: &'c mut [Class<'s>]) -> Option<&'c mut Class<'s>> {
    for class in &mut *classes {
        class.credit += class.share;
    }
    // Of equal ones the last would be taken.
    classes.iter_mut().rev().max_by_key(|class| class.credit)
}

/// Slots of equal shares.
struct Class<'s> {
    members: &'s [(u16, usize)],
    share: i64,
    /// Whose turn it is.
    turn: usize,
    /// Its credit.
    credit: i64,
}

impl<'s> Class<'s> {
    /// Members come in order, and are not empty.
    fn new(members: &'s [(u16, usize)]) -> Self {
        Self { members, share: members[0].1 as i64, turn: 0, credit: 0 }
    }

    /// The slot whose turn it is, which pays. Members after it have the credit that it had; when all have paid, the first is next.
    fn pick(&mut self, price: i64) -> u16 {
        let (slot, _) = self.members[self.turn];
        self.turn += 1;
        if self.turn == self.members.len() {
            self.turn = 0;
            self.credit -= price;
        }
        slot
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ring(weights: &[u64]) -> Vec<u16> {
        smooth_ring((0..).zip(weights.iter().copied()), weights.iter().sum::<u64>() as usize)
    }

    /// nginx's `ngx_http_upstream_get_peer`, without failures.
    fn nginx(weights: &[u64]) -> Vec<u16> {
        let total = weights.iter().sum::<u64>() as i64;
        let mut credits = vec![0; weights.len()];
        let pick = |_| {
            let mut best = 0;
            for index in 0..weights.len() {
                credits[index] += weights[index] as i64;
                if credits[index] > credits[best] {
                    best = index;
                }
            }
            credits[best] -= total;
            best as u16
        };
        (0..total).map(pick).collect()
    }

    #[test]
    fn the_turns_of_a_heavy_one_are_spread() {
        assert_eq!(ring(&[5, 1, 1]), [0, 0, 1, 0, 2, 0, 0]);
        assert_eq!(ring(&[1, 2]), [1, 0, 1]);
        assert_eq!(ring(&[4, 1, 1, 1, 1]), [0, 1, 0, 2, 3, 0, 4, 0]);
    }

    #[test]
    fn shares_are_rounded_when_the_ring_is_short() {
        assert_eq!(smooth_ring([(7, 1_000), (8, 1), (9, 490)].into_iter(), 4), [7, 8, 9, 7]);
    }

    proptest! {
        #[test]
        fn the_order_is_that_of_nginx(mut weights in prop::collection::vec(1u64..=20, 1..40)) {
            // nginx prefers who comes first in its configuration, we the heavier.
            weights.sort_unstable_by_key(|&weight| Reverse(weight));
            prop_assert_eq!(ring(&weights), nginx(&weights));
        }

        #[test]
        fn at_each_position_everybody_has_had_its_share(weights in prop::collection::vec(1u64..=256, 1..40)) {
            let ring = ring(&weights);
            let mut had = vec![0; weights.len()];
            for (position, &slot) in (1..).zip(&ring) {
                had[usize::from(slot)] += ring.len() as u64;
                // Off by less than two positions.
                for (had, weight) in had.iter().zip(&weights) {
                    prop_assert!(had.abs_diff(weight * position) < 2 * ring.len() as u64);
                }
            }
        }
    }
}
