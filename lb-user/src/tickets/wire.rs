//! What goes between the agent and back-ends, as JSON over TLS with certificates on both sides.
//!
//! | request | answer |
//! |---|---|
//! | `GET /v1/rings/NAME?after=TERM.EPOCH` | [`RingMessage`], at once or when there is a later one; 204 when there is none within 25 s |
//! | `POST /v1/rings/NAME/report` | nothing: [`Report`] says what the back-end has made of it |
//!
//! Times are ages: clocks of two machines have nothing to do with each other.

use super::key::{Key, WeakKey};
use super::ring::{Ring, RingName, Slot, SlotState, Version};
use super::{BootTime, Timing};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;
use zeroize::Zeroizing;

/// Most bytes of a message.
pub const LARGEST: usize = 16 * 1024;

/// A ring on its way to a back-end.
#[derive(Serialize, Deserialize)]
pub struct RingMessage {
    /// What it is called.
    pub ring: RingName,
    /// Which one of this name.
    pub version: Version,
    /// How long things last.
    pub timing: Timing,
    /// How long ago the active key became active, in milliseconds.
    pub shifted_ago_ms: u64,
    /// The three keys: old, active, next.
    pub keys: Vec<KeyMessage>,
}

/// A key on its way.
#[derive(Serialize, Deserialize)]
pub struct KeyMessage {
    /// Its place.
    pub state: SlotState,
    /// How long ago it was made, in milliseconds.
    pub created_ago_ms: u64,
    /// Its 80 bytes, in Base64.
    pub key: Zeroizing<String>,
}

/// What a back-end says of a ring.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Which ring its server has, if it is one of the agent's.
    pub version: Option<Version>,
    /// How it stands.
    pub state: NodeState,
    /// What gives the keys to the server, as `nginx`.
    pub driver: String,
    /// Why the server does not have the latest ring.
    pub error: Option<String>,
}

/// Whose keys a back-end works with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NodeState {
    /// Nobody's yet.
    Waiting,
    /// Those of the cluster.
    Cluster,
    /// Keys of its own: the cluster's were given up, since no agent was heard for too long.
    Local,
}

/// Why a message is no ring.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// It is for somebody else.
    #[error("it is the ring {0}")]
    OtherRing(RingName),
    /// There are not three keys in their order.
    #[error("its keys are not old, active and next")]
    Places,
    /// A key is no key.
    #[error("its {0} key is none: {1}")]
    Key(SlotState, WeakKey),
    /// A key is not even Base64.
    #[error("its {0} key is damaged")]
    Damaged(SlotState),
    /// Two keys have one name: a ticket would not say which one it is under.
    #[error("two of its keys have the same name")]
    SameName,
    /// Nobody could have counted so far.
    #[error("its version {0} cannot be")]
    Version(Version),
    /// Keys that should have been destroyed.
    #[error("its {0} key is older than keys may be")]
    Expired(SlotState),
}

impl RingMessage {
    /// The ring as it is sent at this moment.
    pub fn new(name: &RingName, ring: &Ring, timing: Timing, now: BootTime) -> Self {
        let ago = |then| now.since(then).as_millis() as u64;
        let key = |(state, slot): (SlotState, &Slot)| {
            // Of the final size, so that no copies are left where it grew.
            let mut text = Zeroizing::new(String::with_capacity(Key::SIZE.div_ceil(3) * 4));
            BASE64.encode_string(slot.key.bytes(), &mut text);
            KeyMessage { state, created_ago_ms: ago(slot.created), key: text }
        };
        Self {
            ring: name.clone(),
            version: ring.version,
            timing,
            shifted_ago_ms: ago(ring.shifted),
            keys: ring.slots().map(key).into(),
        }
    }

    /// The ring that has arrived at this moment, if it is the one with this name.
    ///
    /// # Errors
    /// When it is none that anybody could have made.
    pub fn ring(&self, name: &RingName, now: BootTime) -> Result<Ring, Malformed> {
        if self.ring != *name {
            return Err(Malformed::OtherRing(self.ring.clone()));
        }
        if !(1..=Version::LAST_EPOCH).contains(&self.version.epoch) {
            return Err(Malformed::Version(self.version));
        }
        let [old, active, next] = self.keys.as_slice() else { return Err(Malformed::Places) };
        let slot = |message: &KeyMessage, place| message.slot(place, self.timing, now);
        let ring = Ring {
            version: self.version,
            shifted: now.minus(Duration::from_millis(self.shifted_ago_ms)),
            old: slot(old, SlotState::Old)?,
            active: slot(active, SlotState::Active)?,
            next: slot(next, SlotState::Next)?,
        };
        let [old, active, next] = ring.slots().map(|(_, slot)| slot.key.name());
        if old == active || active == next || old == next {
            return Err(Malformed::SameName);
        }
        Ok(ring)
    }
}

impl KeyMessage {
    fn slot(&self, place: SlotState, timing: Timing, now: BootTime) -> Result<Slot, Malformed> {
        if self.state != place {
            return Err(Malformed::Places);
        }
        let mut bytes = Zeroizing::new(Vec::with_capacity(2 * Key::SIZE));
        BASE64.decode_vec(self.key.as_bytes(), &mut bytes).map_err(|_| Malformed::Damaged(place))?;
        let age = Duration::from_millis(self.created_ago_ms);
        if age >= timing.max_age() {
            return Err(Malformed::Expired(place));
        }
        let key = Key::from_bytes(&bytes).map_err(|reason| Malformed::Key(place, reason))?;
        Ok(Slot { key, created: now.minus(age) })
    }
}

impl fmt::Debug for RingMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RingMessage({} {})", self.ring, self.version)
    }
}

impl fmt::Display for NodeState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Waiting => "waiting",
            Self::Cluster => "cluster",
            Self::Local => "local",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: BootTime = BootTime::after_start(Duration::from_secs(100_000));

    fn name() -> RingName {
        RingName::try_from("shop".to_owned()).unwrap()
    }

    fn timing() -> Timing {
        Timing::new(Duration::from_secs(60), Duration::from_secs(60), Duration::from_secs(10)).unwrap()
    }

    fn message() -> (Ring, RingMessage) {
        let made = NOW.minus(Duration::from_secs(7));
        let ring = Ring::begin(3, made.minus(Duration::from_secs(60))).unwrap().shift(made).unwrap();
        let message = RingMessage::new(&name(), &ring, timing(), NOW);
        (ring, message)
    }

    #[test]
    fn a_ring_arrives_as_it_was_sent_on_the_other_clock() {
        let (ring, message) = message();
        let text = serde_json::to_string(&message).unwrap();
        assert!(text.len() < LARGEST);
        let arrived: RingMessage = serde_json::from_str(&text).unwrap();
        assert_eq!(arrived.ring(&name(), NOW).unwrap(), ring);
        let later = Duration::from_secs(1_000);
        let elsewhere = arrived.ring(&name(), NOW.plus(later)).unwrap();
        assert_eq!(elsewhere.shifted, ring.shifted.plus(later));
        assert_eq!(elsewhere.next.created, ring.next.created.plus(later));
    }

    #[test]
    fn what_nobody_could_have_made_is_refused() {
        let refusal = |damage: &dyn Fn(&mut RingMessage)| {
            let (_, mut message) = message();
            damage(&mut message);
            message.ring(&name(), NOW).unwrap_err()
        };
        let other = RingName::try_from("other".to_owned()).unwrap();
        assert_eq!(refusal(&|it| it.ring = other.clone()), Malformed::OtherRing(other.clone()));
        for epoch in [0, u64::MAX] {
            let version = Version { term: 3, epoch };
            assert_eq!(refusal(&|it| it.version = version), Malformed::Version(version));
        }
        assert_eq!(refusal(&|it| drop(it.keys.pop())), Malformed::Places);
        assert_eq!(refusal(&|it| it.keys.swap(0, 1)), Malformed::Places);
        assert_eq!(refusal(&|it| it.keys[1].key.truncate(9)), Malformed::Damaged(SlotState::Active));
        assert_eq!(refusal(&|it| it.keys[1].key.truncate(64)), Malformed::Key(SlotState::Active, WeakKey::Size(48)));
        assert_eq!(refusal(&|it| it.keys[2].key = it.keys[0].key.clone()), Malformed::SameName);
        assert_eq!(refusal(&|it| it.keys[0].created_ago_ms = 195_000), Malformed::Expired(SlotState::Old));
        let zeros = BASE64.encode([0; 80]);
        let refused = refusal(&|it| *it.keys[1].key = zeros.clone());
        assert_eq!(refused, Malformed::Key(SlotState::Active, WeakKey::Uniform("name")));
    }

    #[test]
    fn no_part_of_a_key_is_shown() {
        let (ring, message) = message();
        let shown = format!("{message:?} {ring:?}");
        for (_, slot) in ring.slots() {
            assert!(
                !shown.contains(&BASE64.encode(slot.key.bytes())) && !shown.contains(&hex::encode(slot.key.name()))
            );
        }
    }
}
