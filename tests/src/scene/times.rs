use anyhow::Result;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long something took that was done at least once.
#[derive(Debug)]
pub struct Times {
    /// The shortest first.
    sorted: Vec<Duration>,
}

impl Times {
    /// Does `thing` again and again, with a pause after each, until `done`.
    ///
    /// # Errors
    /// When the thing fails.
    pub fn until(done: &AtomicBool, pause: Duration, mut thing: impl FnMut() -> Result<()>) -> Result<Self> {
        let mut sorted = Vec::new();
        loop {
            let start = Instant::now();
            thing()?;
            sorted.push(start.elapsed());
            if done.load(Ordering::Relaxed) {
                break;
            }
            sleep(pause);
        }
        sorted.sort();
        Ok(Self { sorted })
    }

    /// How often it was done.
    pub fn count(&self) -> usize {
        self.sorted.len()
    }

    /// What half of them do not exceed.
    pub fn median(&self) -> Duration {
        self.percentile(50)
    }

    /// What so many in a hundred do not exceed.
    fn percentile(&self, percent: usize) -> Duration {
        self.sorted[(self.count() - 1) * percent / 100]
    }
}

impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [median, most, all] = [50, 99, 100].map(|percent| self.percentile(percent));
        write!(f, "{} times, median {median:.1?}, 99 % {most:.1?}, all {all:.1?}", self.count())
    }
}
