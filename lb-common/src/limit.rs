//! Rate limits: the generic cell rate algorithm (ITU-T I.371), in one word.
//!
//! The word is the moment at which all that was admitted so far would have been over if it had come evenly. It runs ahead of the present
//! while there is a burst; what would take it more than a second ahead is not admitted.

use crate::atomic::SharedWord;

const SECOND: u64 = 1_000_000_000;

/// Whether one more would be within `rate` a second at `now` nanoseconds, see [`admit`].
#[inline(always)]
pub fn has_room(limiter: &SharedWord, rate: u32, now: u64) -> bool {
    limiter.load() + SECOND / u64::from(rate.max(1)) <= now + SECOND
}

/// Whether one more is within `rate` a second, which must not be 0, at `now` nanoseconds. A second's worth may come at once.
#[inline(always)]
pub fn admit(limiter: &SharedWord, rate: u32, now: u64) -> bool {
    let interval = SECOND / u64::from(rate.max(1));
    let even = limiter.load();
    if even + interval > now + SECOND {
        return false;
    }
    // Nothing is saved up beyond a second. When another CPU is quicker to begin anew, this one adds to that.
    if even >= now || !limiter.replace(even, now + interval) {
        limiter.fetch_add(interval);
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of `attempts` at `now` are admitted.
    fn admitted(limiter: &SharedWord, rate: u32, now: u64, attempts: u32) -> u32 {
        (0..attempts).map(|_| u32::from(admit(limiter, rate, now))).sum()
    }

    #[test]
    fn a_seconds_worth_may_come_at_once_and_no_more() {
        for rate in [1, 7, 1_000, 1_000_000] {
            let limiter = SharedWord::new(0);
            assert_eq!(admitted(&limiter, rate, 5 * SECOND, 2 * rate), rate);
            assert_eq!(admitted(&limiter, rate, 6 * SECOND, 2 * rate), rate, "after a second");
            assert_eq!(admitted(&limiter, rate, 60 * SECOND, 2 * rate), rate, "nothing is saved up");
        }
    }

    #[test]
    fn what_comes_evenly_is_all_admitted() {
        let limiter = SharedWord::new(0);
        assert!((0..10_000).all(|index| admit(&limiter, 100, SECOND + index * SECOND / 100)));
    }
}
