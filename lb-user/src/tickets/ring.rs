use super::key::{Key, KeyId, NoKey};
use super::{BootTime, Timing};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// What a ring is called: letters, digits, `-`, `_` and `.`, as back-ends are. It is part of paths and of requests.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RingName(String);

/// Which ring of a name: none is ever followed by one with a lower version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Version {
    /// Which series of rings: another after each beginning with fresh keys. [`Version::OWN_TERM`] is no cluster's.
    pub term: u64,
    /// Which ring of the series: one more at each shift, from 1.
    pub epoch: u64,
}

/// What the place of a key in its ring lets it do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SlotState {
    /// It opens tickets that it closed before.
    Old,
    /// It closes tickets, and opens them.
    Active,
    /// It will close tickets after the next shift, and opens those of nodes that are ahead.
    Next,
}

/// A key in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    /// The key.
    pub key: Key,
    /// When it was made.
    pub created: BootTime,
}

/// Three keys: all open tickets, the active one closes them. A node that is one shift behind, or ahead, opens everybody's tickets, and
/// everybody opens its.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ring {
    /// Which ring it is.
    pub version: Version,
    /// When the active key became active.
    pub shifted: BootTime,
    /// The key that was active before.
    pub old: Slot,
    /// The key of new tickets.
    pub active: Slot,
    /// The key of new tickets after the next shift.
    pub next: Slot,
}

impl Ring {
    /// The first ring of a term: three fresh keys. No ticket was made under any of them.
    ///
    /// # Errors
    /// When there are no random bytes.
    pub fn begin(term: u64, now: BootTime) -> Result<Self, NoKey> {
        let [old, active, next] = [Slot::fresh(now)?, Slot::fresh(now)?, Slot::fresh(now)?];
        Ok(Self { version: Version { term, epoch: 1 }, shifted: now, old, active, next })
    }

    /// The ring of the next epoch: each key moves up, a fresh one comes, the old one goes.
    ///
    /// # Errors
    /// When there are no random bytes: the ring is as it was.
    pub fn shift(&self, now: BootTime) -> Result<Self, NoKey> {
        let Version { term, epoch } = self.version;
        Ok(Self {
            version: Version { term, epoch: epoch.saturating_add(1) },
            shifted: now,
            old: self.active.clone(),
            active: self.next.clone(),
            next: Slot::fresh(now)?,
        })
    }

    /// The keys in their places.
    pub fn slots(&self) -> [(SlotState, &Slot); 3] {
        [(SlotState::Old, &self.old), (SlotState::Active, &self.active), (SlotState::Next, &self.next)]
    }

    /// Whether one of its keys is this one.
    pub fn holds(&self, key: &KeyId) -> bool {
        self.slots().iter().any(|(_, slot)| slot.key.id() == *key)
    }

    /// When the active key is to be replaced.
    pub fn shift_due(&self, timing: Timing) -> BootTime {
        self.shifted.plus(timing.rotation())
    }

    /// When the ring is given up, if there is no word of another.
    pub fn expires(&self, timing: Timing) -> BootTime {
        self.shifted.plus(timing.expiry())
    }

    /// Puts fresh keys, under which there are no tickets, in the place of those that are too old; returns the ids of the old ones.
    ///
    /// Servers want three keys: a key is destroyed by taking its place.
    ///
    /// # Errors
    /// When there are no random bytes.
    pub fn replace_expired(&mut self, timing: Timing, now: BootTime) -> Result<Vec<KeyId>, NoKey> {
        let mut gone = Vec::new();
        for slot in [&mut self.old, &mut self.active, &mut self.next] {
            if now >= slot.destroyed_by(timing) {
                gone.push(slot.key.id());
                *slot = Slot::fresh(now)?;
            }
        }
        Ok(gone)
    }
}

impl Slot {
    fn fresh(now: BootTime) -> Result<Self, NoKey> {
        Ok(Self { key: Key::random()?, created: now })
    }

    /// When the key is destroyed at the latest.
    pub fn destroyed_by(&self, timing: Timing) -> BootTime {
        self.created.plus(timing.max_age())
    }
}

impl Version {
    /// The term of keys that a back-end made for itself.
    pub const OWN_TERM: u64 = 0;
    /// The last epoch of a term: nobody gets there.
    pub const LAST_EPOCH: u64 = 1 << 53;

    /// By how many shifts `other` is ahead of this one; `None` when their keys have nothing to do with each other.
    pub fn behind(self, other: Self) -> Option<u64> {
        (self.term == other.term).then(|| other.epoch.saturating_sub(self.epoch))
    }
}

/// `TERM.EPOCH`, as it is shown.
impl FromStr for Version {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let numbers = text.split_once('.').map(|(term, epoch)| (term.parse(), epoch.parse()));
        match numbers {
            Some((Ok(term), Ok(epoch))) => Ok(Self { term, epoch }),
            _ => Err("it is not of the form TERM.EPOCH"),
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.term, self.epoch)
    }
}

impl SlotState {
    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Old => "old",
            Self::Active => "active",
            Self::Next => "next",
        }
    }
}

impl fmt::Display for SlotState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl RingName {
    /// The longest name, in bytes.
    pub const LONGEST: usize = 63;

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for RingName {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        let is_fine = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        if name.is_empty() || name.len() > Self::LONGEST || name.starts_with('.') || !name.bytes().all(is_fine) {
            let longest = Self::LONGEST;
            return Err(format!(
                "{name:?} is no name of a ring: use 1 to {longest} letters, digits, '-', '_' and '.', and no '.' in front"
            ));
        }
        Ok(Self(name))
    }
}

impl From<RingName> for String {
    fn from(name: RingName) -> Self {
        name.0
    }
}

impl fmt::Display for RingName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}
