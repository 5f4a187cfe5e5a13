use super::TargetName;
use lb_common::probe::{FIRST_MARK, MAX_TARGETS};
use std::collections::{BTreeMap, BTreeSet};

/// The marks of probes by way of the VIP: each target has its own, for as long as it is there.
#[derive(Debug, Default)]
pub(super) struct Marks(BTreeMap<TargetName, u32>);

impl Marks {
    /// Gives a mark to each of `targets` that has none, and takes back those of others. There are as many as back-ends in all.
    pub(super) fn follow(&mut self, targets: &BTreeSet<TargetName>) {
        self.0.retain(|name, _| targets.contains(name));
        let taken: BTreeSet<u32> = self.0.values().copied().collect();
        let free = (FIRST_MARK..FIRST_MARK + MAX_TARGETS).filter(|mark| !taken.contains(mark));
        let new = targets.iter().filter(|name| !self.0.contains_key(name)).cloned().collect::<Vec<_>>();
        self.0.extend(new.into_iter().zip(free));
    }

    /// Each target with its mark.
    pub(super) fn all(&self) -> &BTreeMap<TargetName, u32> {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(backends: &[&str]) -> BTreeSet<TargetName> {
        let name = |backend: &&str| TargetName { service: "web".to_owned(), backend: (*backend).to_owned() };
        backends.iter().map(name).collect()
    }

    fn marks(marks: &Marks) -> Vec<(&str, u32)> {
        marks.all().iter().map(|(name, mark)| (name.backend.as_str(), mark - FIRST_MARK)).collect()
    }

    #[test]
    fn a_target_keeps_its_mark_and_a_new_one_gets_one_that_is_free() {
        let mut given = Marks::default();
        given.follow(&names(&["a", "b", "c"]));
        assert_eq!(marks(&given), [("a", 0), ("b", 1), ("c", 2)]);
        given.follow(&names(&["c", "d"]));
        assert_eq!(marks(&given), [("c", 2), ("d", 0)]);
        given.follow(&names(&["c", "d", "e"]));
        assert_eq!(marks(&given), [("c", 2), ("d", 0), ("e", 1)]);
    }
}
