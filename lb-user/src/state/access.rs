use lb_common::abi::{AccessList, Action, Address};
use std::hash::{DefaultHasher, Hash, Hasher};

/// The rules of an access list, under the name that follows from them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessRules {
    list: AccessList,
    rules: Vec<AccessRule>,
    allows_listed_only: bool,
}

/// What an access list says about one prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AccessRule {
    /// The prefix, with zeroes behind it.
    pub source: Address,
    /// Its bits; those of an IPv4 prefix are counted from the start of the mapped address.
    pub bits: u8,
    /// Whether its sources may open flows.
    pub is_allowed: bool,
}

impl AccessRule {
    /// What the map says.
    pub fn action(&self) -> Action {
        if self.is_allowed { Action::ALLOW } else { Action::DENY }
    }
}

impl AccessRules {
    /// A list of these rules, in whatever order they come.
    pub fn new(mut rules: Vec<AccessRule>) -> Self {
        let allows_listed_only = rules.iter().any(|rule| rule.is_allowed);
        rules.sort_unstable();
        // A name is compared with those in the maps of this machine only, so any good hash will do; another release's costs no more than
        // writing the list again.
        let mut hasher = DefaultHasher::new();
        rules.hash(&mut hasher);
        let digest = hasher.finish();
        Self { list: AccessList([digest as u32, (digest >> 32) as u32]), rules, allows_listed_only }
    }

    /// A list of those of these rules that are about sources of one family. A list that allows none of them any more stays closed.
    pub fn for_family(rules: Vec<AccessRule>, is_v4: bool) -> Self {
        let allows_listed_only = rules.iter().any(|rule| rule.is_allowed);
        let of_family = rules.into_iter().filter(|rule| rule.source.is_v4() == is_v4);
        Self { allows_listed_only, ..Self::new(of_family.collect()) }
    }

    /// Its name.
    pub fn list(&self) -> AccessList {
        self.list
    }

    /// Its rules.
    pub fn rules(&self) -> &[AccessRule] {
        &self.rules
    }

    /// Whether sources that no rule is about are refused: they are when any source is allowed by name, of either family.
    pub fn allows_listed_only(&self) -> bool {
        self.allows_listed_only
    }
}
