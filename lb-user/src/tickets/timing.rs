use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How long things of a ring last. A value is right by construction: see [`Timing::new`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Fields", into = "Fields")]
pub struct Timing {
    rotation: Duration,
    lifetime: Duration,
    guard: Duration,
}

/// The same, as it is sent: in milliseconds.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    rotation_ms: u64,
    lifetime_ms: u64,
    guard_ms: u64,
}

/// Why these times cannot be those of a ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTiming {
    /// The ring would never stand still.
    #[error("the rotation period is below one second")]
    Rotation,
    /// Tickets would outlive the keys that open them.
    #[error("the tickets' lifetime is longer than the rotation period: the key would be gone before its last tickets")]
    Lifetime,
    /// RFC 8446, section 4.6.1.
    #[error("the tickets' lifetime is longer than seven days, which TLS 1.3 does not allow")]
    SevenDays,
    /// No client keeps such a ticket.
    #[error("the tickets' lifetime is below one second")]
    NoLifetime,
    /// A key could never be activated in time.
    #[error("the guard is not shorter than the rotation period: a key could not be activated in time")]
    Guard,
}

impl Timing {
    /// How far clocks may run apart within one period.
    pub const SKEW: Duration = Duration::from_secs(5);
    /// The longest life of a ticket (RFC 8446, section 4.6.1).
    pub const LONGEST_LIFETIME: Duration = Duration::from_secs(7 * 24 * 3_600);
    /// An hour: what is stolen opens few sessions, and servers are not reloaded all the time.
    pub const DEFAULT_ROTATION: Duration = Duration::from_secs(3_600);
    /// What a ring has that nobody configured.
    pub const DEFAULT: Self =
        Self { rotation: Self::DEFAULT_ROTATION, lifetime: Self::DEFAULT_ROTATION, guard: Self::DEFAULT_GUARD };
    /// The longest guard that is taken without being asked for.
    pub const DEFAULT_GUARD: Duration = Duration::from_secs(60);

    /// `rotation`: how long a key encrypts. `lifetime`: how long a ticket can be used. `guard`: how long every node must have had a key
    /// before it encrypts.
    ///
    /// # Errors
    /// When they contradict each other.
    pub fn new(rotation: Duration, lifetime: Duration, guard: Duration) -> Result<Self, InvalidTiming> {
        match () {
            () if rotation < Duration::from_secs(1) => Err(InvalidTiming::Rotation),
            () if lifetime < Duration::from_secs(1) => Err(InvalidTiming::NoLifetime),
            () if lifetime > Self::LONGEST_LIFETIME => Err(InvalidTiming::SevenDays),
            () if lifetime > rotation => Err(InvalidTiming::Lifetime),
            () if guard >= rotation => Err(InvalidTiming::Guard),
            () => Ok(Self { rotation, lifetime, guard }),
        }
    }

    /// The guard that goes with a rotation period: a minute, or a quarter of a short period.
    pub fn default_guard(rotation: Duration) -> Duration {
        Self::DEFAULT_GUARD.min(rotation / 4)
    }

    /// How long a key encrypts.
    pub fn rotation(self) -> Duration {
        self.rotation
    }

    /// How long a ticket can be used: servers tell it to clients.
    pub fn lifetime(self) -> Duration {
        self.lifetime
    }

    /// How long every node must have had a key before it encrypts.
    pub fn guard(self) -> Duration {
        self.guard
    }

    /// The age at which a key is destroyed, whatever happens.
    pub fn max_age(self) -> Duration {
        3 * self.rotation + self.guard + Self::SKEW
    }

    /// How long a rotation waits for nodes that have not said that they have the next key.
    pub fn patience(self) -> Duration {
        self.rotation / 2
    }

    /// How long after a shift a ring is good without word of another: longer than a rotation ever waits. Then it is given up.
    pub fn expiry(self) -> Duration {
        self.rotation + self.patience() + Self::SKEW
    }
}

impl TryFrom<Fields> for Timing {
    type Error = InvalidTiming;

    fn try_from(fields: Fields) -> Result<Self, InvalidTiming> {
        let [rotation, lifetime, guard] =
            [fields.rotation_ms, fields.lifetime_ms, fields.guard_ms].map(Duration::from_millis);
        Self::new(rotation, lifetime, guard)
    }
}

impl From<Timing> for Fields {
    fn from(timing: Timing) -> Self {
        let ms = |time: Duration| time.as_millis() as u64;
        Self { rotation_ms: ms(timing.rotation), lifetime_ms: ms(timing.lifetime), guard_ms: ms(timing.guard) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_that_contradict_each_other_are_refused() {
        let new = |rotation, lifetime, guard| {
            let [rotation, lifetime, guard] = [rotation, lifetime, guard].map(Duration::from_secs);
            Timing::new(rotation, lifetime, guard).err()
        };
        assert_eq!(new(3_600, 3_600, 60), None);
        assert_eq!(new(0, 0, 0), Some(InvalidTiming::Rotation));
        assert_eq!(new(10, 0, 0), Some(InvalidTiming::NoLifetime));
        assert_eq!(new(10, 11, 0), Some(InvalidTiming::Lifetime));
        assert_eq!(new(10, 10, 10), Some(InvalidTiming::Guard));
        assert_eq!(new(700_000, 604_801, 60), Some(InvalidTiming::SevenDays));
        assert_eq!(new(700_000, 604_800, 60), None);
    }

    #[test]
    fn contradictions_are_refused_from_the_network_as_well() {
        let parse = |text: &str| serde_json::from_str::<Timing>(text).map_err(|error| error.to_string());
        assert!(parse(r#"{"rotation_ms":10000,"lifetime_ms":10000,"guard_ms":0}"#).is_ok());
        let refused = parse(r#"{"rotation_ms":10000,"lifetime_ms":20000,"guard_ms":0}"#).unwrap_err();
        assert!(refused.contains("lifetime is longer than the rotation period"), "{refused}");
        assert!(parse(r#"{"rotation_ms":18446744073709551615,"lifetime_ms":1000,"guard_ms":0}"#).is_ok());
    }
}
