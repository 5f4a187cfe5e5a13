//! Something that is collected, for as long as it counts.

use std::time::{Duration, Instant};

/// What was collected lately: in the half window that goes on, and in the one before. So it is from at least half a window, and at most a
/// whole one.
#[derive(Clone, Debug)]
pub struct Window<T> {
    half: Duration,
    began: Instant,
    before: T,
    current: T,
}

impl<T> Window<T> {
    /// A window of this length that begins `now` with nothing.
    pub fn new(length: Duration, now: Instant, empty: impl Fn() -> T) -> Self {
        Self { half: length / 2, began: now, before: empty(), current: empty() }
    }

    /// Moves on to `now`: what is too old goes.
    pub fn advance(&mut self, now: Instant, empty: impl Fn() -> T) {
        let passed = now.saturating_duration_since(self.began);
        if passed < self.half {
            return;
        }
        let is_long_ago = passed >= 2 * self.half;
        self.before = std::mem::replace(&mut self.current, empty());
        if is_long_ago {
            self.before = empty();
        }
        self.began = now;
    }

    /// What is collected now.
    pub fn current(&mut self) -> &mut T {
        &mut self.current
    }

    /// Both halves.
    pub fn halves(&self) -> [&T; 2] {
        [&self.before, &self.current]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_older_than_the_window_is_gone() {
        let start = Instant::now();
        let mut window = Window::new(Duration::from_secs(60), start, Vec::new);
        let mut seen = Vec::new();
        for second in 0..400u64 {
            // Nothing comes from 200 to 300.
            if (200..300).contains(&second) {
                continue;
            }
            window.advance(start + Duration::from_secs(second), Vec::new);
            window.current().push(second);
            let oldest = window.halves().into_iter().flatten().min().copied().unwrap_or(second);
            assert!(second - oldest < 60, "{second}: {oldest}");
            seen.push(second - oldest);
        }
        assert!(seen.iter().filter(|&&age| age >= 29).count() > 200, "too little is kept");
    }
}
