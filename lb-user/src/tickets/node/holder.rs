use crate::tickets::{BootTime, KeyId, NoKey, Ring, Timing, Version};

/// What a back-end holds, and what it takes in its place. It knows nothing of servers and files, and goes by its own clock.
#[derive(Debug, Default)]
pub struct Holder {
    held: Option<Held>,
    /// The highest version that was ever held: nothing below it is taken.
    highest: Option<Version>,
}

/// A ring at work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The keys: the cluster's, with which sessions are resumed anywhere, or keys of this back-end's own ([`Version::OWN_TERM`]), with
    /// which they are resumed here alone, but still only as long as keys last.
    pub ring: Ring,
    /// How long they last.
    pub timing: Timing,
}

impl Held {
    /// Whether it is the cluster's.
    pub fn is_shared(&self) -> bool {
        self.ring.version.term != Version::OWN_TERM
    }
}

/// Why a ring is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotTaken {
    /// Somebody plays back what was sent before, or an agent has missed that another took over.
    #[error("the ring {offered} is older than {held}, which was here: is there an agent that missed a change?")]
    Older {
        /// What was offered.
        offered: Version,
        /// What was held.
        held: Version,
    },
    /// It would have to be given up at once.
    #[error("the ring {0} has expired: the agent does not rotate it")]
    Expired(Version),
}

/// What time does to a ring.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// These keys were destroyed, in their places are such as no ticket was made under.
    Destroyed(Vec<KeyId>),
    /// No agent was heard for too long: all keys of the cluster were destroyed, the server goes on with its own.
    FellBack(Vec<KeyId>),
    /// The server's own keys were rotated.
    Shifted,
}

impl Holder {
    /// Goes on with what was held before a restart, and never below `highest`.
    pub fn resuming(held: Held, highest: Option<Version>) -> Self {
        Self { held: Some(held), highest }
    }

    /// The highest of the cluster's versions that was ever held.
    pub fn highest(&self) -> Option<Version> {
        self.highest
    }

    /// What is held.
    pub fn held(&self) -> Option<&Held> {
        self.held.as_ref()
    }

    /// Which of the cluster's rings is held.
    pub fn version(&self) -> Option<Version> {
        self.held.as_ref().filter(|held| held.is_shared()).map(|held| held.ring.version)
    }

    /// Whether this ring is to be taken instead of what is held: not if it is the same.
    ///
    /// # Errors
    /// When it must not be taken.
    pub fn considers(&self, ring: &Ring, timing: Timing, now: BootTime) -> Result<bool, NotTaken> {
        let offered = ring.version;
        if let Some(held) = self.highest.filter(|highest| offered < *highest) {
            return Err(NotTaken::Older { offered, held });
        }
        if now >= ring.expires(timing) {
            return Err(NotTaken::Expired(offered));
        }
        Ok(self.version() != Some(offered))
    }

    /// Holds this ring, which was considered, from now on. The one before is destroyed.
    pub fn take(&mut self, ring: Ring, timing: Timing) {
        self.highest = self.highest.max(Some(ring.version));
        self.held = Some(Held { ring, timing });
    }

    /// Holds keys of this back-end's own, since there are none of the cluster's.
    ///
    /// # Errors
    /// When there are no random bytes.
    pub fn make_own(&mut self, now: BootTime) -> Result<(), NoKey> {
        let timing = self.held.as_ref().map_or(Timing::DEFAULT, |held| held.timing);
        self.held = Some(Held { ring: Ring::begin(Version::OWN_TERM, now)?, timing });
        Ok(())
    }

    /// When time changes what is held.
    pub fn deadline(&self) -> Option<BootTime> {
        let held = self.held.as_ref()?;
        let Held { ring, timing } = held;
        let destroyed = ring.slots().map(|(_, slot)| slot.destroyed_by(*timing)).into_iter().min()?;
        let other = if held.is_shared() { ring.expires(*timing) } else { ring.shift_due(*timing) };
        Some(destroyed.min(other))
    }

    /// Does what time asks for. The keys are destroyed with the last copy of them: it is for the caller to see to it that the server has no
    /// other.
    ///
    /// # Errors
    /// When there are no random bytes for keys in their place: everything is as it was.
    pub fn tick(&mut self, now: BootTime) -> Result<Option<Change>, NoKey> {
        let Some(held) = &mut self.held else { return Ok(None) };
        let is_shared = held.is_shared();
        let Held { ring, timing } = held;
        if is_shared && now >= ring.expires(*timing) {
            let gone = ring.slots().map(|(_, slot)| slot.key.id()).into();
            self.make_own(now)?;
            return Ok(Some(Change::FellBack(gone)));
        }
        if !is_shared && now >= ring.shift_due(*timing) {
            *ring = ring.shift(now)?;
            // Not all of them may have been shifted in time.
            ring.replace_expired(*timing, now)?;
            return Ok(Some(Change::Shifted));
        }
        let gone = ring.replace_expired(*timing, now)?;
        Ok((!gone.is_empty()).then_some(Change::Destroyed(gone)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn at(seconds: u64) -> BootTime {
        BootTime::after_start(Duration::from_secs(seconds))
    }

    /// Rotation every 100 s.
    fn timing() -> Timing {
        let seconds = Duration::from_secs;
        Timing::new(seconds(100), seconds(100), seconds(10)).unwrap()
    }

    fn holding(ring: &Ring) -> Holder {
        let mut holder = Holder::default();
        assert_eq!(holder.considers(ring, timing(), ring.shifted), Ok(true));
        holder.take(ring.clone(), timing());
        holder
    }

    #[test]
    fn versions_only_go_up() {
        let first = Ring::begin(7, at(0)).unwrap();
        let second = first.shift(at(100)).unwrap();
        let mut holder = holding(&first);
        assert_eq!(holder.considers(&first, timing(), at(50)), Ok(false));
        assert_eq!(holder.considers(&second, timing(), at(100)), Ok(true));
        holder.take(second.clone(), timing());
        let (offered, held) = (first.version, second.version);
        assert_eq!(holder.considers(&first, timing(), at(101)), Err(NotTaken::Older { offered, held }));
        let newer_term = Ring::begin(8, at(101)).unwrap();
        assert_eq!(holder.considers(&newer_term, timing(), at(101)), Ok(true));
        holder.take(newer_term, timing());
        assert!(holder.considers(&second.shift(at(102)).unwrap(), timing(), at(102)).is_err());
    }

    #[test]
    fn without_an_agent_keys_are_destroyed_in_time_and_the_server_goes_on_with_its_own() {
        let first = Ring::begin(1, at(0)).unwrap();
        let ring = (1..=4).fold(first, |ring, epoch| ring.shift(at(100 * epoch)).unwrap());
        let mut holder = holding(&ring);
        // Made at 200, 300 and 400; the oldest of them may become 315 s old.
        assert_eq!(holder.deadline(), Some(at(515)));
        assert_eq!(holder.tick(at(514)).unwrap(), None);
        let old = ring.old.key.id();
        assert_eq!(holder.tick(at(515)).unwrap(), Some(Change::Destroyed(vec![old.clone()])));
        assert!(!holder.held().unwrap().ring.holds(&old));
        assert_eq!(holder.version(), Some(ring.version), "it is still the cluster's");

        assert_eq!(holder.deadline(), Some(at(555)));
        let Some(Change::FellBack(gone)) = holder.tick(at(555)).unwrap() else { panic!("it goes on") };
        assert!(gone.contains(&ring.active.key.id()) && gone.contains(&ring.next.key.id()));
        assert!(holder.version().is_none() && !holder.held().unwrap().is_shared());

        let own = holder.held().unwrap().ring.clone();
        assert_eq!(holder.deadline(), Some(at(655)));
        assert_eq!(holder.tick(at(655)).unwrap(), Some(Change::Shifted));
        assert_eq!(holder.held().unwrap().ring.old, own.active);

        // The agent is back, perhaps with the very ring that was given up here.
        let back = ring.shift(at(656)).unwrap();
        assert_eq!(holder.considers(&back, timing(), at(657)), Ok(true));
        assert!(holder.considers(&ring, timing(), at(657)).is_err(), "given up is given up");
        holder.take(back.clone(), timing());
        assert_eq!(holder.version(), Some(back.version));
    }

    #[test]
    fn after_a_long_sleep_nothing_old_is_left() {
        let ring = Ring::begin(1, at(0)).unwrap();
        let mut holder = holding(&ring);
        assert!(matches!(holder.tick(at(100_000)).unwrap(), Some(Change::FellBack(_))));
        assert_eq!(holder.tick(at(300_000)).unwrap(), Some(Change::Shifted));
        let ring = &holder.held().unwrap().ring;
        assert!(ring.slots().iter().all(|(_, slot)| slot.created == at(300_000)), "{ring:?}");
    }
}
