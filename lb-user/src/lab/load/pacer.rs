use std::time::Duration;

/// What was missed is made up for as far back as this, so that timers that fire late don't lower the rate. After a longer stall
/// the pace simply goes on: a burst would measure the stall, not the load.
const MEMORY: Duration = Duration::from_millis(50);

/// When the next connection is due.
#[derive(Clone, Debug)]
pub(super) struct Pacer {
    interval: Duration,
    next: Duration,
}

impl Pacer {
    /// `rate` connections a second, evenly spaced; 0 for no limit.
    pub(super) fn new(rate: u32) -> Self {
        Self { interval: Duration::from_secs(1).checked_div(rate).unwrap_or_default(), next: Duration::ZERO }
    }

    /// How long the next connection has to wait, `now` being the time since the start. Calling this takes its turn.
    pub(super) fn delay(&mut self, now: Duration) -> Duration {
        let due = self.next.max(now.saturating_sub(MEMORY));
        self.next = due + self.interval;
        due.saturating_sub(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLISECOND: Duration = Duration::from_millis(1);

    /// When connections begin if every wait takes `late` too long and `stall` passes once, half a second in.
    fn starts(rate: u32, late: Duration, stall: Duration) -> Vec<Duration> {
        let mut pacer = Pacer::new(rate);
        let (mut now, mut stalled) = (Duration::ZERO, false);
        let mut starts = Vec::new();
        while now < Duration::from_secs(2) {
            let delay = pacer.delay(now);
            now += if delay.is_zero() { delay } else { delay + late };
            if now > Duration::from_millis(500) && !stalled {
                (now, stalled) = (now + stall, true);
            }
            starts.push(now);
        }
        starts
    }

    #[test]
    fn connections_are_evenly_spaced() {
        let starts = starts(4, Duration::ZERO, Duration::ZERO);
        assert_eq!(starts[..4], [0, 250, 500, 750].map(Duration::from_millis));
    }

    #[test]
    fn late_timers_do_not_lower_the_rate() {
        assert!(starts(1_000, MILLISECOND, Duration::ZERO).len().abs_diff(2_000) <= 2);
    }

    #[test]
    fn a_stall_is_not_made_up_for() {
        let starts = starts(1_000, Duration::ZERO, Duration::from_millis(600));
        assert!(starts.len().abs_diff(1_450) <= 2, "{}", starts.len());
    }

    #[test]
    fn without_a_limit_nobody_waits() {
        let mut pacer = Pacer::new(0);
        assert!((0..1_000).all(|_| pacer.delay(MILLISECOND).is_zero()));
    }
}
