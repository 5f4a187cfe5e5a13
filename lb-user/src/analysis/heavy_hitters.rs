//! Who has most, in bounded memory: Space-Saving (Metwally, Agrawal, El Abbadi 2005).

use std::collections::{BTreeMap, BTreeSet};

/// The weights of the heaviest keys of a stream, for a bounded number of keys.
///
/// A key that is counted has at least its true weight and at most its error more. One that is not has at most [`HeavyHitters::least`]. Every
/// key with more than the whole weight divided by the capacity is counted.
#[derive(Clone, Debug)]
pub struct HeavyHitters<K> {
    capacity: usize,
    total: u64,
    counted: BTreeMap<K, Counted>,
    /// The same keys, by weight.
    order: BTreeSet<(u64, K)>,
}

/// What is known of a key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// Its weight: no less than the true one.
    pub weight: u64,
    /// By how much that may be too high.
    pub error: u64,
    /// How often it came since it is counted.
    pub times: u64,
}

impl<K: Clone + Ord> HeavyHitters<K> {
    /// None yet, and never more than `capacity`, which is at least 1.
    pub fn new(capacity: usize) -> Self {
        Self { capacity: capacity.max(1), total: 0, counted: BTreeMap::new(), order: BTreeSet::new() }
    }

    /// Notes that `key` came `times` times, with this weight in all.
    pub fn add(&mut self, key: K, weight: u64, times: u64) {
        self.total = self.total.saturating_add(weight);
        let former = match self.counted.get(&key) {
            Some(&former) => {
                self.order.remove(&(former.weight, key.clone()));
                former
            }
            None => self.make_room(),
        };
        let counted =
            Counted { weight: former.weight.saturating_add(weight), error: former.error, times: former.times + times };
        self.order.insert((counted.weight, key.clone()));
        self.counted.insert(key, counted);
    }

    /// The weight of all keys.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// The most weight that a key can have that is not counted.
    pub fn least(&self) -> u64 {
        let is_full = self.counted.len() == self.capacity;
        self.order.first().filter(|_| is_full).map_or(0, |(weight, _)| *weight)
    }

    /// Those counted here or in `other`, the heaviest first.
    pub fn with(&self, other: &Self) -> Vec<(K, Counted)> {
        let keys: BTreeSet<&K> = self.counted.keys().chain(other.counted.keys()).collect();
        let both = |key: &K| {
            let (one, two) = (self.known(key), other.known(key));
            Counted {
                weight: one.weight.saturating_add(two.weight),
                error: one.error.saturating_add(two.error),
                times: one.times + two.times,
            }
        };
        let mut found: Vec<_> = keys.into_iter().map(|key| (key.clone(), both(key))).collect();
        found.sort_by(|(a_key, a), (b_key, b)| b.weight.cmp(&a.weight).then_with(|| a_key.cmp(b_key)));
        found
    }

    /// What is known of a key, counted or not.
    fn known(&self, key: &K) -> Counted {
        let least = || Counted { weight: self.least(), error: self.least(), times: 0 };
        self.counted.get(key).copied().unwrap_or_else(least)
    }

    /// What a new key begins with: all that the lightest one had, whose place it takes if there is no other.
    fn make_room(&mut self) -> Counted {
        if self.counted.len() < self.capacity {
            return Counted::default();
        }
        let Some((weight, lightest)) = self.order.pop_first() else { return Counted::default() };
        self.counted.remove(&lightest);
        Counted { weight, error: weight, times: 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Stream = Vec<(u8, u64)>;

    fn stream() -> impl Strategy<Value = Stream> {
        // Few keys are frequent, most are not.
        let key = prop_oneof![0u8..4, any::<u8>()];
        prop::collection::vec((key, 1u64..1_500), 0..600)
    }

    fn count(stream: &Stream, capacity: usize) -> (HeavyHitters<u8>, BTreeMap<u8, u64>) {
        let (mut hitters, mut truth) = (HeavyHitters::new(capacity), BTreeMap::new());
        for &(key, weight) in stream {
            hitters.add(key, weight, 1);
            *truth.entry(key).or_default() += weight;
        }
        (hitters, truth)
    }

    proptest! {
        #[test]
        fn nobody_has_less_than_its_weight_nor_more_than_its_error_above_it(stream in stream(), capacity in 1usize..40) {
            let (hitters, truth) = count(&stream, capacity);
            let found: BTreeMap<u8, Counted> = hitters.with(&HeavyHitters::new(1)).into_iter().collect();
            prop_assert!(found.len() <= capacity);
            let bound = hitters.total() / capacity as u64;
            for (key, &weight) in &truth {
                match found.get(key) {
                    Some(counted) => {
                        prop_assert!(counted.weight >= weight && counted.weight - counted.error <= weight);
                        prop_assert!(counted.error <= bound);
                    }
                    None => prop_assert!(weight <= hitters.least() && weight <= bound),
                }
            }
        }

        #[test]
        fn two_windows_together_keep_both_bounds(before in stream(), after in stream(), capacity in 1usize..40) {
            let ((one, old), (two, new)) = (count(&before, capacity), count(&after, capacity));
            let found = one.with(&two);
            prop_assert!(found.is_sorted_by(|(_, a), (_, b)| a.weight >= b.weight));
            for (key, counted) in found {
                let weight = old.get(&key).unwrap_or(&0) + new.get(&key).unwrap_or(&0);
                prop_assert!(counted.weight >= weight && counted.weight - counted.error <= weight);
            }
        }
    }

    #[test]
    fn with_room_for_all_the_numbers_are_exact() {
        let (hitters, _) = count(&vec![(1, 100), (2, 60), (1, 100), (3, 1_400)], 3);
        let exact = |weight, times| Counted { weight, error: 0, times };
        assert_eq!(hitters.with(&HeavyHitters::new(1)), [(3, exact(1_400, 1)), (1, exact(200, 2)), (2, exact(60, 1))]);
        assert_eq!(hitters.total(), 1_660);
    }
}
