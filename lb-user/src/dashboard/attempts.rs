use std::time::{Duration, Instant};

/// Wrong tokens that are taken for mistakes in [`WINDOW`].
const MOST: u32 = 10;
/// For how long they count.
pub(super) const WINDOW: Duration = Duration::from_secs(60);

/// How often a login has failed lately.
#[derive(Debug, Default)]
pub(super) struct Attempts {
    failed: u32,
    since: Option<Instant>,
}

impl Attempts {
    /// Counts a wrong token. Whether there are too many of them.
    pub(super) fn fail(&mut self, now: Instant) -> bool {
        if self.since.is_none_or(|since| now.duration_since(since) >= WINDOW) {
            *self = Self { failed: 0, since: Some(now) };
        }
        self.failed += 1;
        self.failed > MOST
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_tokens_become_too_many_until_the_window_ends() {
        let (mut attempts, now) = (Attempts::default(), Instant::now());
        for _ in 0..MOST {
            assert!(!attempts.fail(now));
        }
        assert!(attempts.fail(now) && attempts.fail(now + WINDOW / 2));
        assert!(!attempts.fail(now + WINDOW));
    }
}
