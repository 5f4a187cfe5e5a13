//! A ring in a file on tmpfs: it outlives the process that keeps it, but not the machine.

use super::ring::{Ring, RingName, Version};
use super::wire::{Malformed, RingMessage};
use super::{BootTime, Timing};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// A ring, and when it was written.
#[derive(Serialize, Deserialize)]
struct Stored {
    written: BootTime,
    ring: RingMessage,
    highest: Option<Version>,
}

/// What was kept.
#[derive(Debug, PartialEq, Eq)]
pub struct Kept {
    /// The ring.
    pub ring: Ring,
    /// How long its keys last.
    pub timing: Timing,
    /// The highest version that was there until then.
    pub highest: Option<Version>,
}

/// Why a file holds no ring.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// It is not what was written.
    #[error("it is damaged: {0}")]
    Damaged(#[from] serde_json::Error),
    /// It holds what nobody could have made.
    #[error("{0}")]
    Malformed(#[from] Malformed),
    /// It says that it comes from the future: this machine was started since.
    #[error("it is from before this machine was started")]
    Foreign,
}

impl Kept {
    /// What to write.
    ///
    /// # Errors
    /// None that could happen.
    pub fn to_text(&self, name: &RingName, now: BootTime) -> serde_json::Result<Zeroizing<Vec<u8>>> {
        let mut text = Zeroizing::new(Vec::with_capacity(4_096));
        let ring = RingMessage::new(name, &self.ring, self.timing, now);
        serde_json::to_writer(&mut *text, &Stored { written: now, ring, highest: self.highest })?;
        Ok(text)
    }

    /// What was written.
    ///
    /// # Errors
    /// When it is not the ring with this name, or keys of it should have been destroyed when it was written.
    pub fn from_text(name: &RingName, text: &[u8], now: BootTime) -> Result<Self, Unusable> {
        let Stored { written, ring, highest } = serde_json::from_slice(text)?;
        if written > now {
            return Err(Unusable::Foreign);
        }
        Ok(Self { ring: ring.ring(name, written)?, timing: ring.timing, highest })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_ring_comes_back_with_its_times() {
        let at = |s| BootTime::after_start(Duration::from_secs(s));
        let name = RingName::try_from("shop".to_owned()).unwrap();
        let timing = Timing::new(Duration::from_secs(60), Duration::from_secs(60), Duration::ZERO).unwrap();
        let ring = Ring::begin(1, at(1_000)).unwrap();
        let kept = Kept { highest: Some(ring.version), ring, timing };
        let text = kept.to_text(&name, at(1_030)).unwrap();
        assert_eq!(Kept::from_text(&name, &text, at(2_000)).unwrap(), kept);
        assert!(matches!(Kept::from_text(&name, &text, at(1_029)), Err(Unusable::Foreign)));
        assert!(matches!(Kept::from_text(&name, &text[..100], at(2_000)), Err(Unusable::Damaged(_))));
    }
}
