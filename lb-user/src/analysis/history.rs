//! How values went: each second for an hour, each minute for a week, in bounded memory.

use crate::control::types::{History, HistoryRequest, Measure, Series, SeriesOf};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// Seconds that are kept one by one.
pub const HOUR: u64 = 3_600;
/// Minutes that are kept.
pub const WEEK: u64 = 7 * 24 * 60;
/// Seconds of a minute.
pub const MINUTE: usize = 60;

/// What tells a series from others. In this order they get room: the whole before its parts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Key {
    /// Of what.
    pub of: SeriesOf,
    /// What was measured.
    pub measure: Measure,
}

impl Key {
    fn service(&self) -> Option<&str> {
        match &self.of {
            SeriesOf::Service { service } | SeriesOf::Backend { service, .. } => Some(service),
            _ => None,
        }
    }
}

/// The values of a series in the seconds of a minute. What is not known is not a number.
pub type MinuteValues = [f32; MINUTE];

/// How all of it went.
#[derive(Debug)]
pub struct Past {
    /// The second that is recorded now, since 1970.
    now: u64,
    series: BTreeMap<Key, Values>,
    capacity: usize,
    left_out: usize,
}

/// The values of one series. The value of a moment is at the moment's number, modulo how many are kept.
#[derive(Debug)]
struct Values {
    seconds: Box<[f32]>,
    minutes: Box<[f32]>,
    /// The minute that has its last value.
    last_minute: u64,
}

impl Past {
    /// Nothing is known yet of no more than `capacity` series, each of which takes 55 kB. It is the second `now` since 1970.
    pub fn new(capacity: usize, now: u64) -> Self {
        Self { now, series: BTreeMap::new(), capacity, left_out: 0 }
    }

    /// The second that is recorded now.
    pub fn now(&self) -> u64 {
        self.now
    }

    /// Records values that hold for these seconds, the last of which is now. When the clock was set back, what was recorded for later is
    /// forgotten.
    pub fn record(&mut self, seconds: RangeInclusive<u64>, values: BTreeMap<Key, f32>) {
        self.move_to(*seconds.end());
        self.left_out = 0;
        for (key, value) in values {
            let Some(series) = self.room_for(&key) else {
                self.left_out += 1;
                continue;
            };
            for second in seconds.clone() {
                *at(&mut series.seconds, second) = value;
                series.sum_up(second / MINUTE as u64);
            }
        }
    }

    /// Puts back the mean of a minute, before anything is recorded.
    pub fn restore_mean(&mut self, key: &Key, minute: u64, mean: f32) {
        let this_minute = self.now / MINUTE as u64;
        if let Some(series) = self.room_for(key).filter(|_| minute <= this_minute && this_minute < minute + WEEK) {
            *at(&mut series.minutes, minute) = mean;
            series.last_minute = series.last_minute.max(minute);
        }
    }

    /// Puts back the seconds of a minute, likewise.
    pub fn restore_seconds(&mut self, key: &Key, minute: u64, values: &MinuteValues) {
        let now = self.now;
        let Some(series) = self.room_for(key) else { return };
        for (second, &value) in (minute * MINUTE as u64..).zip(values) {
            if second <= now && now < second + HOUR {
                *at(&mut series.seconds, second) = value;
            }
        }
    }

    /// How many series there was no room for.
    pub fn left_out(&self) -> usize {
        self.left_out
    }

    /// Whether there is something of a service with this name.
    pub fn has_service(&self, name: &str) -> bool {
        self.series.keys().any(|key| key.service() == Some(name))
    }

    /// What is known of a minute of the last hour: of each series the mean, and the seconds.
    pub fn minute_values(&self, minute: u64) -> Vec<(Key, f32, MinuteValues)> {
        let values =
            self.series.iter().map(|(key, series)| (key.clone(), series.mean(minute), series.seconds_of(minute)));
        values.filter(|(_, mean, _)| !mean.is_nan()).collect()
    }

    /// What is asked for.
    pub fn query(&self, request: &HistoryRequest) -> History {
        let since = request.since_s.max(1);
        let by_seconds = since <= HOUR;
        let step = if by_seconds { 1 } else { MINUTE as u64 };
        let (last, count) = (self.now / step, since.div_ceil(step).min(if by_seconds { HOUR } else { WEEK }));
        let moments = last.saturating_sub(count - 1)..=last;
        let is_wanted = |key: &Key| {
            let service = request.service.as_deref();
            request.measure.is_none_or(|measure| measure == key.measure)
                && (service.is_none() || service == key.service())
        };
        let series = self.series.iter().filter(|(key, _)| is_wanted(key)).map(|(key, series)| {
            let kept = if by_seconds { &series.seconds } else { &series.minutes };
            let value = |moment| Some(kept[index(kept, moment)]).filter(|value| !value.is_nan()).map(f64::from);
            Series { measure: key.measure, of: key.of.clone(), values: moments.clone().map(value).collect() }
        });
        History {
            start_unix_s: moments.start() * step,
            step_s: step,
            // A series without a value says nothing.
            series: series.filter(|series| series.values.iter().any(Option::is_some)).collect(),
            left_out: self.left_out,
        }
    }

    fn room_for(&mut self, key: &Key) -> Option<&mut Values> {
        if !self.series.contains_key(key) {
            if self.series.len() >= self.capacity {
                return None;
            }
            self.series.insert(key.clone(), Values::unknown());
        }
        self.series.get_mut(key)
    }

    /// Makes it the second `to`.
    fn move_to(&mut self, to: u64) {
        // Both ways: what is skipped is not known, nor is what a clock that was set back has not come to.
        let (from, later) = (self.now.min(to), self.now.max(to));
        let seconds = from + 1..=later.min(from + HOUR);
        let minutes = from / MINUTE as u64 + 1..=(later / MINUTE as u64).min(from / MINUTE as u64 + WEEK);
        let is_new_minute = !minutes.is_empty();
        for series in self.series.values_mut() {
            seconds.clone().for_each(|second| *at(&mut series.seconds, second) = f32::NAN);
            minutes.clone().for_each(|minute| *at(&mut series.minutes, minute) = f32::NAN);
        }
        self.now = to;
        if is_new_minute {
            let minute = to / MINUTE as u64;
            self.series.retain(|_, series| minute < series.last_minute + WEEK);
        }
    }
}

impl Values {
    fn unknown() -> Self {
        let unknown = |count: u64| vec![f32::NAN; count as usize].into_boxed_slice();
        Self { seconds: unknown(HOUR), minutes: unknown(WEEK), last_minute: 0 }
    }

    /// Makes the value of the minute the mean of what is known of its seconds.
    fn sum_up(&mut self, minute: u64) {
        let mean = mean(&self.seconds_of(minute));
        *at(&mut self.minutes, minute) = mean;
        self.last_minute = minute;
    }

    fn mean(&self, minute: u64) -> f32 {
        self.minutes[index(&self.minutes, minute)]
    }

    /// The seconds of a minute of the last hour.
    fn seconds_of(&self, minute: u64) -> MinuteValues {
        let first = index(&self.seconds, minute * MINUTE as u64);
        let mut seconds = [f32::NAN; MINUTE];
        // An hour has whole minutes.
        seconds.copy_from_slice(&self.seconds[first..first + MINUTE]);
        seconds
    }
}

fn index(kept: &[f32], moment: u64) -> usize {
    (moment % kept.len() as u64) as usize
}

fn at(kept: &mut [f32], moment: u64) -> &mut f32 {
    &mut kept[index(kept, moment)]
}

/// The mean of what is known.
fn mean(values: &[f32]) -> f32 {
    let known = || values.iter().filter(|value| !value.is_nan()).map(|&value| f64::from(value));
    // Of nothing, it is not a number.
    (known().sum::<f64>() / known().count() as f64) as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const START: u64 = 1_700_000_000;

    fn key(service: &str) -> Key {
        Key { of: SeriesOf::Service { service: service.to_owned() }, measure: Measure::Packets }
    }

    fn of_all(value: f32) -> BTreeMap<Key, f32> {
        [(Key { of: SeriesOf::All, measure: Measure::Packets }, value)].into()
    }

    fn asked(past: &Past, since_s: u64) -> Vec<Option<f64>> {
        let history = past.query(&HistoryRequest { since_s, measure: None, service: None });
        history.series.into_iter().next().map_or_else(Vec::new, |series| series.values)
    }

    #[test]
    fn seconds_are_kept_for_an_hour_and_minutes_for_a_week() {
        let mut past = Past::new(4, START);
        let end = START + 3 * 3_600;
        for second in START..=end {
            past.record(second..=second, of_all((second % 60) as f32));
        }
        let seconds = asked(&past, 3_600);
        let expected: Vec<_> = (end - 3_599..=end).map(|second| Some((second % 60) as f64)).collect();
        assert_eq!(seconds, expected);
        let minutes = asked(&past, 7_200);
        assert_eq!(minutes.len(), 120);
        assert!(minutes[..119].iter().all(|&mean| mean == Some(29.5)));
        assert_eq!(asked(&past, u64::MAX).len(), WEEK as usize);
        assert_eq!(asked(&past, 1), [Some((end % 60) as f64)]);
    }

    #[test]
    fn what_was_not_measured_is_not_known() {
        let mut past = Past::new(4, START);
        past.record(START..=START, of_all(1.0));
        past.record(START + 2..=START + 4, of_all(2.0));
        past.record(START + 5..=START + 5, BTreeMap::new());
        let (one, two) = (Some(1.0), Some(2.0));
        assert_eq!(asked(&past, 7), [None, one, None, two, two, two, None]);
        // An hour later nothing of it is left but the minute.
        past.record(START + 3_700..=START + 3_700, BTreeMap::new());
        assert_eq!(asked(&past, 3_600), []);
        assert_eq!(asked(&past, 7_200).iter().flatten().collect::<Vec<_>>(), [&1.75]);
        past.record(START + 8 * 24 * 3_600..=START + 8 * 24 * 3_600, BTreeMap::new());
        assert!(past.series.is_empty());
    }

    #[test]
    fn a_clock_that_was_set_back_forgets_the_future() {
        let mut past = Past::new(4, START);
        for second in START..START + 200 {
            past.record(second..=second, of_all(1.0));
        }
        past.record(START + 100..=START + 100, of_all(2.0));
        past.record(START + 101..=START + 101, of_all(2.0));
        let seconds = asked(&past, 104);
        assert_eq!(seconds[seconds.len() - 3..], [Some(1.0), Some(2.0), Some(2.0)]);
        past.record(START + 150..=START + 150, of_all(3.0));
        assert_eq!(asked(&past, 49).iter().flatten().collect::<Vec<_>>(), [&3.0]);
    }

    #[test]
    fn what_there_is_no_room_for_is_counted_and_the_whole_comes_first() {
        let mut past = Past::new(2, START);
        let mut values = of_all(1.0);
        values.extend((0..5).map(|number| (key(&number.to_string()), 1.0)));
        past.record(START..=START, values);
        let history = past.query(&HistoryRequest { since_s: 10, measure: None, service: None });
        assert_eq!(history.left_out, 4);
        assert_eq!(history.series[0].of, SeriesOf::All);
        let of_one = HistoryRequest { since_s: 10, measure: Some(Measure::Packets), service: Some("0".to_owned()) };
        assert_eq!(past.query(&of_one).series.len(), 1);
        let of_none = HistoryRequest { measure: Some(Measure::Ready), ..of_one };
        assert_eq!(past.query(&of_none).series, []);
    }

    #[test]
    fn what_is_put_back_is_as_it_was() {
        let mut before = Past::new(4, START);
        for second in START..START + 900 {
            before.record(second..=second, of_all((second % 7) as f32));
        }
        let mut after = Past::new(4, START + 930);
        for minute in START / 60..=START / 60 + 15 {
            for (key, mean, seconds) in before.minute_values(minute) {
                after.restore_mean(&key, minute, mean);
                after.restore_seconds(&key, minute, &seconds);
            }
        }
        after.record(START + 930..=START + 930, of_all(9.0));
        let is = asked(&after, 931);
        assert_eq!(is[..900], asked(&before, 900));
        assert_eq!(is[900..], [&[None; 30][..], &[Some(9.0)]].concat());
        let by_minutes = |past: &Past, minutes: usize| asked(past, 3_660)[61 - minutes..].to_vec();
        assert_eq!(by_minutes(&after, 16)[..15], by_minutes(&before, 16)[..15]);
    }

    proptest! {
        #[test]
        fn no_moment_is_shown_with_the_value_of_another(steps in prop::collection::vec((-400i64..5_000, 0f32..1e6), 1..60)) {
            let (mut past, mut truth, mut now) = (Past::new(2, START), BTreeMap::new(), START);
            for (step, value) in steps {
                now = now.saturating_add_signed(step);
                truth.retain(|&second, _| second < now && now < second + HOUR);
                truth.insert(now, f64::from(value));
                past.record(now..=now, of_all(value));
                let shown = asked(&past, HOUR);
                for (second, value) in (now + 1 - HOUR..=now).zip(shown) {
                    prop_assert_eq!(value, truth.get(&second).copied());
                }
            }
        }
    }
}
