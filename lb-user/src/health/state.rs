use super::Outcome;
use std::fmt;
use std::time::{Duration, Instant};

/// What is known of a back-end's health.
#[derive(Clone, Debug)]
pub struct Health {
    state: State,
    rise: u32,
    fall: u32,
    /// Outcomes in a row that speak against the state.
    against: u32,
    latency: Option<Duration>,
    error: Option<String>,
    changed: Option<Instant>,
}

/// Whether a back-end is fit for new flows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// There was no verdict yet. It counts as up, so that an agent that starts does not stop anything.
    Unknown,
    /// It answers.
    Up,
    /// It does not.
    Down,
}

/// A verdict that differs from the one before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transition {
    /// What was known before.
    pub from: State,
    /// What is known now: up or down.
    pub to: State,
    /// The last error; only when it is down.
    pub error: Option<String>,
}

impl Health {
    /// Nothing is known yet. `rise` successes in a row, or `fall` failures, will change a verdict; both are at least 1.
    pub fn new(rise: u32, fall: u32) -> Self {
        Self { state: State::Unknown, rise, fall, against: 0, latency: None, error: None, changed: None }
    }

    /// It was out of service before, for whatever reason: it takes `rise` successes to be up.
    pub fn down(rise: u32, fall: u32, reason: &str) -> Self {
        Self { state: State::Down, error: Some(reason.to_owned()), ..Self::new(rise, fall) }
    }

    /// Changes how many outcomes in a row the next verdict takes. What is known stays.
    pub fn set_thresholds(&mut self, rise: u32, fall: u32) {
        (self.rise, self.fall) = (rise, fall);
    }

    /// Takes the outcome of a probe into account; returns a verdict that is new.
    pub fn observe(&mut self, outcome: &Outcome, now: Instant) -> Option<Transition> {
        let (verdict, threshold) = match &outcome.result {
            Ok(latency) => {
                self.latency = Some(*latency);
                // The first success of all is enough: what was never down need not recover.
                (State::Up, if self.state == State::Unknown { 1 } else { self.rise })
            }
            Err(error) => {
                self.error = Some(error.clone());
                (State::Down, self.fall)
            }
        };
        if verdict == self.state {
            self.against = 0;
            return None;
        }
        self.against += 1;
        if self.against < threshold {
            return None;
        }
        let from = std::mem::replace(&mut self.state, verdict);
        self.against = 0;
        self.changed = Some(now);
        Some(Transition { from, to: verdict, error: self.error.clone().filter(|_| verdict == State::Down) })
    }

    /// The verdict.
    pub fn state(&self) -> State {
        self.state
    }

    /// Whether it may get new flows.
    pub fn is_up(&self) -> bool {
        self.state != State::Down
    }

    /// How long the last success took.
    pub fn latency(&self) -> Option<Duration> {
        self.latency
    }

    /// What the last failure was, also when it is over.
    pub fn error(&self) -> Option<&str> {
        self.error.as_deref()
    }

    /// When the verdict changed last.
    pub fn changed(&self) -> Option<Instant> {
        self.changed
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Unknown => "unknown",
            Self::Up => "up",
            Self::Down => "down",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::TargetName;
    use proptest::prelude::*;

    fn outcome(success: bool) -> Outcome {
        let target = TargetName { service: "web".to_owned(), backend: "web-1".to_owned() };
        let result = if success { Ok(Duration::from_millis(3)) } else { Err("connection refused".to_owned()) };
        Outcome { target, result }
    }

    /// What is known after each of these outcomes: `+` is a success.
    fn states(health: &mut Health, outcomes: &str) -> String {
        let now = Instant::now();
        let observed = outcomes.chars().map(|sign| {
            health.observe(&outcome(sign == '+'), now);
            match health.state() {
                State::Unknown => '?',
                State::Up => 'u',
                State::Down => 'd',
            }
        });
        observed.collect()
    }

    #[test]
    fn it_takes_as_many_outcomes_in_a_row_as_it_should() {
        let mut health = Health::new(3, 2);
        assert_eq!(states(&mut health, "-+-+--"), "?uuuud");
        assert_eq!(states(&mut health, "++-++-+++"), "ddddddddu");
        health.set_thresholds(1, 3);
        assert_eq!(states(&mut health, "---+"), "uudu");
    }

    #[test]
    fn what_was_never_up_is_down_after_as_many_failures_as_any_other() {
        assert_eq!(states(&mut Health::new(3, 3), "--+"), "??u");
        assert_eq!(states(&mut Health::new(3, 3), "---"), "??d");
    }

    #[test]
    fn a_new_verdict_comes_with_its_reason() {
        let (mut health, now) = (Health::new(1, 1), Instant::now());
        assert!(health.is_up(), "before anything is known");
        let up = Transition { from: State::Unknown, to: State::Up, error: None };
        assert_eq!(health.observe(&outcome(true), now), Some(up));
        assert_eq!((health.latency(), health.error()), (Some(Duration::from_millis(3)), None));
        let later = now + Duration::from_secs(1);
        let error = Some("connection refused".to_owned());
        let down = Transition { from: State::Up, to: State::Down, error };
        assert_eq!(health.observe(&outcome(false), later), Some(down));
        assert!(!health.is_up());
        assert_eq!(health.observe(&outcome(false), later + Duration::from_secs(1)), None);
        assert_eq!((health.changed(), health.error()), (Some(later), Some("connection refused")));
        let up = Transition { from: State::Down, to: State::Up, error: None };
        assert_eq!(health.observe(&outcome(true), later), Some(up));
    }

    proptest! {
        #[test]
        fn no_verdict_comes_before_enough_outcomes_in_a_row(
            rise in 1..6u32,
            fall in 1..6u32,
            successes in prop::collection::vec(any::<bool>(), 0..100),
        ) {
            let (mut health, now) = (Health::new(rise, fall), Instant::now());
            let mut row = (true, 0);
            for success in successes {
                row = (success, if row.0 == success { row.1 + 1 } else { 1 });
                let before = health.state();
                let transition = health.observe(&outcome(success), now);
                let threshold = if success { rise } else { fall };
                let (is_enough, verdict) = match (before, success) {
                    (State::Unknown, true) => (true, State::Up),
                    (_, true) => (row.1 >= threshold, State::Up),
                    (_, false) => (row.1 >= threshold, State::Down),
                };
                prop_assert_eq!(health.state(), if is_enough { verdict } else { before });
                prop_assert_eq!(transition.is_some(), health.state() != before);
            }
        }
    }
}
