//! What the whole machine did.

use anyhow::{Context, Result};
use procfs::{CurrentSI, KernelStats, ticks_per_second};
use std::time::Instant;

/// A moment, and how long all CPUs had been idle by then.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    at: Instant,
    /// Seconds of all CPUs.
    idle: f64,
    cpus: usize,
}

impl Moment {
    /// Now.
    ///
    /// Idle time is measured by the kernel to the microsecond, busy time by looking now and then: so what is busy is what is not idle. Time that
    /// the hypervisor gave to others, and that of processes with a low priority, which nothing here has, counts as idle.
    pub(crate) fn now() -> Result<Self> {
        let stats = KernelStats::current().context("/proc/stat: cannot read it")?;
        let total = stats.total;
        let ticks = total.idle + total.nice + total.iowait.unwrap_or(0) + total.steal.unwrap_or(0);
        Ok(Self { at: Instant::now(), idle: ticks as f64 / ticks_per_second() as f64, cpus: stats.cpu_time.len() })
    }

    /// Seconds from an earlier moment to this one, and seconds that the CPUs were busy in them.
    pub(crate) fn since(self, earlier: Self) -> (f64, f64) {
        let seconds = (self.at - earlier.at).as_secs_f64();
        (seconds, (seconds * self.cpus as f64 - (self.idle - earlier.idle)).max(0.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn what_is_not_idle_is_busy() {
        let before = Moment { at: Instant::now(), idle: 10.0, cpus: 2 };
        let after = Moment { at: before.at + Duration::from_secs(4), idle: 13.0, cpus: 2 };
        assert_eq!(after.since(before), (4.0, 5.0));
    }
}
