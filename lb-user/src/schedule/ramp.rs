use super::Candidate;
use std::time::Duration;

/// How much of its weight a back-end gets in a slow start: from a tenth to all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ramp(u8);

impl Ramp {
    /// Steps of a slow start. More would only make more rings.
    pub(super) const STEPS: u8 = 10;

    /// All of the weight.
    pub const FULL: Self = Self(Self::STEPS);

    /// That of a back-end which began `elapsed` ago with a slow start that takes `whole`.
    pub fn after(elapsed: Duration, whole: Duration) -> Self {
        if elapsed >= whole {
            return Self::FULL;
        }
        let step = elapsed.as_nanos() * u128::from(Self::STEPS) / whole.as_nanos().max(1);
        Self((step as u8 + 1).min(Self::STEPS))
    }

    /// The part of the weight that counts, in per cent.
    pub fn percent(self) -> u8 {
        self.0 * (100 / Self::STEPS)
    }
}

/// The back-ends with the weights that count in proportion to each other. Nothing changes while nobody ramps.
pub(super) fn ramped(backends: Vec<Candidate>) -> Vec<Candidate> {
    if backends.iter().all(|backend| backend.ramp == Ramp::FULL) {
        return backends;
    }
    let ramped = |backend: Candidate| Candidate { weight: backend.weight * u16::from(backend.ramp.0), ..backend };
    backends.into_iter().map(ramped).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_start_goes_up_in_tenths() {
        let whole = Duration::from_secs(30);
        let percent = |seconds| Ramp::after(Duration::from_secs(seconds), whole).percent();
        assert_eq!([0, 2, 3, 15, 29, 30, 99].map(percent), [10, 10, 20, 60, 100, 100, 100]);
        assert_eq!(Ramp::after(Duration::ZERO, Duration::ZERO), Ramp::FULL);
    }
}
