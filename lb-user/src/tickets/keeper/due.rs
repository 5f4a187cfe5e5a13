//! When a ring is shifted.

use crate::tickets::{BootTime, Ring, Timing};

/// How many of a ring's nodes have it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Readiness {
    /// Those that have said so.
    pub(super) ready: usize,
    /// Those that should have it.
    pub(super) expected: usize,
}

/// What is to be done with a ring now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// Nothing before its time.
    Wait,
    /// Its time has come, but too few nodes have the next key: they get some more time.
    Hold,
    /// Shift it; late, and perhaps without nodes that have not been heard.
    Shift { unready: bool },
}

impl Readiness {
    /// Whether at least so many per cent of the nodes have the ring.
    pub(super) fn reaches(self, percent: u8) -> bool {
        self.ready * 100 >= self.expected * usize::from(percent)
    }
}

/// A key is not activated before enough nodes have it; but nodes that are never heard do not keep an old key in use: that secrets are
/// destroyed in time is worth more than that sessions are resumed.
pub(super) fn due(ring: &Ring, timing: Timing, is_ready: bool, now: BootTime) -> Due {
    let time = ring.shift_due(timing);
    match () {
        () if now < time => Due::Wait,
        () if is_ready => Due::Shift { unready: false },
        () if now < time.plus(timing.patience()) => Due::Hold,
        () => Due::Shift { unready: true },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_shift_waits_for_nodes_but_not_for_ever() {
        let at = |seconds| BootTime::after_start(Duration::from_secs(seconds));
        let timing = Timing::new(Duration::from_secs(100), Duration::from_secs(100), Duration::ZERO).unwrap();
        let ring = Ring::begin(1, at(0)).unwrap();
        assert_eq!(due(&ring, timing, true, at(99)), Due::Wait);
        assert_eq!(due(&ring, timing, true, at(100)), Due::Shift { unready: false });
        assert_eq!(due(&ring, timing, false, at(100)), Due::Hold);
        assert_eq!(due(&ring, timing, false, at(149)), Due::Hold);
        assert_eq!(due(&ring, timing, false, at(150)), Due::Shift { unready: true });
        // Nobody gives the ring up before it is shifted.
        assert!(ring.expires(timing) > at(150));
    }

    #[test]
    fn so_many_per_cent_of_the_nodes_are_so_many() {
        let reaches = |ready, expected, percent| Readiness { ready, expected }.reaches(percent);
        assert!(reaches(1, 2, 50) && !reaches(0, 2, 50) && !reaches(1, 3, 50) && reaches(2, 3, 50));
        assert!(reaches(0, 0, 100) && reaches(0, 5, 0) && !reaches(4, 5, 100));
    }
}
