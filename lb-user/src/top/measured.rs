use crate::analysis::history::Key;
use crate::analysis::measures::measures;
use crate::analysis::rates::Rates;
use crate::control::types::{Measure, SeriesOf, Snapshot};
use std::collections::BTreeMap;
use std::time::Instant;

/// What a snapshot and those before it say: rates a second, and levels as they are now. The agent measures the same for its history.
#[derive(Debug, Default)]
pub(super) struct Measured {
    rates: Rates,
    values: BTreeMap<Key, f32>,
}

impl Measured {
    /// There is a snapshot. What it has less of than the one before has no rate: such a counter has begun anew.
    pub(super) fn update(&mut self, snapshot: &Snapshot, now: Instant) {
        let Snapshot { services, backends, verdicts, traffic, .. } = snapshot;
        self.values = self.rates.values(now, measures(services, backends, verdicts, traffic));
    }

    /// There is none.
    pub(super) fn lose(&mut self) {
        self.values.clear();
    }

    /// One of the values, if it is known.
    pub(super) fn get(&self, measure: Measure, of: &SeriesOf) -> Option<f64> {
        self.values.get(&Key { of: of.clone(), measure }).map(|&value| value.into())
    }

    /// What has a value.
    pub(super) fn keys(&self) -> impl Iterator<Item = &Key> {
        self.values.keys()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::top::testing::snapshot;
    use std::time::Duration;

    #[test]
    fn rates_are_a_second() {
        let (start, mut measured) = (Instant::now(), Measured::default());
        measured.update(&snapshot(1), start);
        let packets = |measured: &Measured, of: &SeriesOf| measured.get(Measure::Packets, of);
        assert_eq!(packets(&measured, &SeriesOf::All), None);
        measured.update(&snapshot(3), start + Duration::from_secs(2));
        // Each second has 1,000 packets more, 600 of them server-1's.
        let of = |backend: &str| SeriesOf::Backend { service: "web".into(), backend: backend.into() };
        assert_eq!(packets(&measured, &SeriesOf::All), Some(1_000.0));
        assert_eq!(packets(&measured, &of("server-1")), Some(600.0));
        assert_eq!(packets(&measured, &of("server-9")), None);
        assert_eq!(measured.get(Measure::LiveFlows, &SeriesOf::All), Some(30.0));
        assert_eq!(measured.get(Measure::Dropped, &SeriesOf::Reason { reason: "denied".into() }), Some(7.0));
    }
}
