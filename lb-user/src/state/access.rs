use lb_common::abi::{AccessList, Action, Address};
use std::hash::{DefaultHasher, Hash, Hasher};

/// The rules of an access list, under the name that follows from them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessRules {
    list: AccessList,
    rules: Vec<AccessRule>,
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
        rules.sort_unstable();
        // A name is compared with those in the maps of this machine only, so any good hash will do; another release's costs no more than
        // writing the list again.
        let mut hasher = DefaultHasher::new();
        rules.hash(&mut hasher);
        let digest = hasher.finish();
        Self { list: AccessList([digest as u32, (digest >> 32) as u32]), rules }
    }

    /// Its name.
    pub fn list(&self) -> AccessList {
        self.list
    }

    /// Its rules.
    pub fn rules(&self) -> &[AccessRule] {
        &self.rules
    }

    /// Whether sources that no rule is about are refused: they are when any source is allowed by name.
    pub fn allows_listed_only(&self) -> bool {
        self.rules.iter().any(|rule| rule.is_allowed)
    }
}
