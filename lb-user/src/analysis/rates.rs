//! From counters to values a second.

use super::history::Key;
use crate::control::types::SeriesOf;
use std::collections::BTreeMap;
use std::time::Instant;

/// What a measurement says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Measured {
    /// So many since the beginning, whenever that was: the value is what comes of it a second.
    Total(u64),
    /// So many now.
    Level(f64),
}

/// The counters of before.
#[derive(Clone, Debug, Default)]
pub struct Rates {
    before: Option<(Instant, BTreeMap<Key, u64>)>,
}

impl Rates {
    /// Whether there are none yet.
    pub fn is_empty(&self) -> bool {
        self.before.is_none()
    }

    /// The values that `measured` makes, with the counters of before. A counter that was higher has none, and neither has one that was not there, unless that
    /// means that it was 0.
    pub fn values(&mut self, now: Instant, measured: BTreeMap<Key, Measured>) -> BTreeMap<Key, f32> {
        let total = |(key, measured): (&Key, &Measured)| match measured {
            Measured::Total(total) => Some((key.clone(), *total)),
            Measured::Level(_) => None,
        };
        let totals = measured.iter().filter_map(total).collect();
        let before = self.before.replace((now, totals));
        let rate = |key: &Key, total: u64| {
            let (then, totals) = before.as_ref()?;
            let seconds = now.saturating_duration_since(*then).as_secs_f64();
            let more = total.checked_sub(totals.get(key).copied().or_else(|| absent(key))?)?;
            (seconds > 0.0).then(|| more as f64 / seconds)
        };
        let value = |(key, measured): (Key, Measured)| {
            let value = match measured {
                Measured::Total(total) => rate(&key, total)?,
                Measured::Level(level) => level,
            };
            Some((key, value as f32))
        };
        measured.into_iter().filter_map(value).collect()
    }
}

/// What a counter is while it is not there. Reasons and protocols are there as soon as there is something; of others, what they counted before
/// they got their name is not known.
fn absent(key: &Key) -> Option<u64> {
    matches!(key.of, SeriesOf::Reason { .. } | SeriesOf::Protocol { .. }).then_some(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::types::Measure;
    use std::time::Duration;

    #[test]
    fn rates_are_differences_and_what_went_back_is_unknown() {
        let start = Instant::now();
        let key = |measure| Key { of: SeriesOf::All, measure };
        let mut rates = Rates::default();
        let mut at = |milliseconds, packets, flows| {
            let measured =
                [(key(Measure::Packets), Measured::Total(packets)), (key(Measure::LiveFlows), Measured::Level(flows))];
            rates.values(start + Duration::from_millis(milliseconds), measured.into())
        };
        assert_eq!(at(0, 1_000, 3.0), [(key(Measure::LiveFlows), 3.0)].into());
        assert_eq!(at(500, 1_100, 4.0), [(key(Measure::Packets), 200.0), (key(Measure::LiveFlows), 4.0)].into());
        assert_eq!(at(2_500, 5_100, 4.0), [(key(Measure::Packets), 2_000.0), (key(Measure::LiveFlows), 4.0)].into());
        assert_eq!(at(3_500, 10, 4.0), [(key(Measure::LiveFlows), 4.0)].into());
        assert_eq!(at(4_500, 20, 4.0), [(key(Measure::Packets), 10.0), (key(Measure::LiveFlows), 4.0)].into());
    }

    #[test]
    fn the_first_of_a_reason_counts_and_a_service_with_another_name_begins_anew() {
        let start = Instant::now();
        let reason = Key { of: SeriesOf::Reason { reason: "denied".to_owned() }, measure: Measure::Dropped };
        let service = Key { of: SeriesOf::Service { service: "web".to_owned() }, measure: Measure::Dropped };
        let both = |total| [(reason.clone(), Measured::Total(total)), (service.clone(), Measured::Total(total))];
        let mut rates = Rates::default();
        assert_eq!(rates.values(start, BTreeMap::new()), BTreeMap::new());
        let second = rates.values(start + Duration::from_secs(2), both(6).into());
        assert_eq!(second, [(reason.clone(), 3.0)].into());
        let mut late = Rates::default();
        assert_eq!(late.values(start, both(6).into()), BTreeMap::new(), "when these came is not known");
    }
}
