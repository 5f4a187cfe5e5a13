use super::measured::Measured;
use crate::analysis::history::Key;
use crate::control::types::{History, Measure, SeriesOf};
use std::collections::{BTreeMap, VecDeque};

/// How many seconds are kept: more than a terminal has columns.
const LONGEST: usize = 300;

/// How each measure went, a value a second, the latest one last; `None` where it is not known.
#[derive(Debug, Default)]
pub(super) struct Histories(BTreeMap<Key, VecDeque<Option<f64>>>);

impl Histories {
    /// The past, as the agent tells it. What it tells by minutes is too coarse.
    pub(super) fn of(history: History) -> Self {
        if history.step_s != 1 {
            return Self::default();
        }
        let series = history.series.into_iter().map(|series| {
            let skipped = series.values.len().saturating_sub(LONGEST);
            (Key { of: series.of, measure: series.measure }, series.values.into_iter().skip(skipped).collect())
        });
        Self(series.collect())
    }

    /// A second has passed. What has not been measured in all the time that is kept is forgotten.
    pub(super) fn push(&mut self, measured: &Measured) {
        for key in measured.keys() {
            self.0.entry(key.clone()).or_default();
        }
        for (key, values) in &mut self.0 {
            values.push_back(measured.get(key.measure, &key.of));
            while values.len() > LONGEST {
                values.pop_front();
            }
        }
        self.0.retain(|_, values| values.iter().any(Option::is_some));
    }

    /// The latest first.
    pub(super) fn latest(&self, measure: Measure, of: &SeriesOf) -> impl Iterator<Item = Option<f64>> {
        self.0.get(&Key { of: of.clone(), measure }).into_iter().flat_map(|values| values.iter().rev().copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::types::Series;
    use crate::top::testing::snapshot;
    use std::time::{Duration, Instant};

    /// A second with 1,000 packets.
    fn measured() -> Measured {
        let (start, mut measured) = (Instant::now(), Measured::default());
        measured.update(&snapshot(1), start);
        measured.update(&snapshot(2), start + Duration::from_secs(1));
        measured
    }

    fn packets(histories: &Histories) -> Vec<Option<f64>> {
        histories.latest(Measure::Packets, &SeriesOf::All).collect()
    }

    #[test]
    fn the_past_goes_on_with_what_is_measured() {
        let values = vec![Some(1.0), None, Some(3.0)];
        let series = vec![Series { measure: Measure::Packets, of: SeriesOf::All, values }];
        let history = |step_s| History { start_unix_s: 0, step_s, series: series.clone(), left_out: 0 };
        let mut histories = Histories::of(history(1));
        histories.push(&measured());
        assert_eq!(packets(&histories), [Some(1_000.0), Some(3.0), None, Some(1.0)]);
        assert_eq!(packets(&Histories::of(history(60))), []);
    }

    #[test]
    fn it_is_bounded_and_what_is_gone_is_forgotten() {
        let mut histories = Histories::default();
        histories.push(&measured());
        for _ in 0..LONGEST - 1 {
            histories.push(&Measured::default());
        }
        assert_eq!(packets(&histories).len(), LONGEST);
        histories.push(&Measured::default());
        assert!(histories.0.is_empty());
    }
}
