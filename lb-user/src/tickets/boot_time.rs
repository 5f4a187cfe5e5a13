use nix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A moment on the clock that all deadlines of ticket keys go by: the time since this machine was started, also while it slept.
///
/// Nobody can set it, so that a key is destroyed in time whatever happens to the calendar. It means nothing on another machine, or after
/// the next start of this one: then memory and tmpfs are empty as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct BootTime(Duration);

impl BootTime {
    /// What the clock shows when the machine is started: more than keys can be old. So one of another machine that is older than this machine's
    /// start is not taken for a younger one.
    const HEAD_START: Duration = Duration::from_secs(400 * 24 * 3_600);

    /// The present (`CLOCK_BOOTTIME`).
    pub fn now() -> Self {
        // The clock is in every kernel since 2.6.39: there is nothing that could fail.
        let time = clock_gettime(ClockId::CLOCK_BOOTTIME).map(Duration::from);
        Self::after_start(time.unwrap_or_default())
    }

    /// The moment so long after the start of the machine.
    pub const fn after_start(time: Duration) -> Self {
        Self(Self::HEAD_START.saturating_add(time))
    }

    /// The moment so much later.
    pub fn plus(self, time: Duration) -> Self {
        Self(self.0.saturating_add(time))
    }

    /// The moment so much earlier, up to 400 days before the start.
    pub fn minus(self, time: Duration) -> Self {
        Self(self.0.saturating_sub(time))
    }

    /// The time from `earlier` to this moment; zero if it was not earlier.
    pub fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_before_the_start_of_the_machine_is_as_long_ago_as_it_was() {
        let (now, age) = (BootTime::now(), Duration::from_secs(300 * 24 * 3_600));
        assert_eq!(now.since(now.minus(age)), age);
    }
}
