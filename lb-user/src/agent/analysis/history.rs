//! How things went: recorded each second, kept in memory, and each minute handed on to the disk.

use super::super::core::Core;
use super::history_file::HistoryFile;
use super::history_tables::Minute;
use crate::analysis::history::{Key, MINUTE, Past};
use crate::analysis::measures::measures;
use crate::analysis::rates::{Measured, Rates};
use crate::control::Refused;
use crate::control::types::{History, HistoryRequest, Snapshot};
use crate::dataplane::Dataplane;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::Path;
use std::time::{Instant, SystemTime, UNIX_EPOCH};
use tracing::warn;

/// Series that are kept: 28 MB of them.
const MAX_SERIES: usize = 512;
/// The most seconds that one measurement stands for.
const LONGEST: u64 = 60;

/// How things went so far.
pub(crate) struct Recent {
    /// `None` until what is on disk was read.
    past: Option<Past>,
    file: HistoryFile,
    rates: Rates,
    /// Whether it was said that series are left out.
    is_too_much: bool,
}

impl Recent {
    /// Goes on with what the state folder has.
    pub(super) fn open(state_folder: &Path) -> Self {
        Self {
            past: None,
            file: HistoryFile::open(state_folder, MAX_SERIES, unix_seconds()),
            rates: Rates::default(),
            is_too_much: false,
        }
    }

    /// Puts what the minute has so far on disk, before the end.
    pub(super) fn end(self) {
        if let Some(past) = &self.past {
            self.file.end(minute(past, past.now() / MINUTE as u64));
        }
    }

    fn wants_measures(&mut self) -> bool {
        self.past = self.past.take().or_else(|| self.file.loaded());
        // The first counters are read at once: what comes until the file was read is a difference to them.
        self.past.is_some() || self.rates.is_empty()
    }

    /// Records what was measured now, at this second since 1970.
    fn record(&mut self, second: u64, now: Instant, measures: BTreeMap<Key, Measured>) {
        let values = self.rates.values(now, measures);
        let Some(past) = &mut self.past else { return };
        let before = past.now();
        past.record(stands_for(before, second), values);
        let left_out = past.left_out();
        if left_out > 0 && !self.is_too_much {
            warn!(
                left_out,
                kept = MAX_SERIES,
                "the history has no room for all series: back-ends and services are left out"
            );
        }
        self.is_too_much = left_out > 0;
        let (before, this) = (before / MINUTE as u64, second / MINUTE as u64);
        if this > before {
            self.file.write(minute(past, before));
        }
    }
}

impl<D: Dataplane> Core<D> {
    /// Whether the history wants to know what there is now. Begins it, or ends it, as the configuration says.
    pub(super) fn history_goes_on(&mut self) -> bool {
        if !self.known.config.analysis.history {
            self.end_history();
            return false;
        }
        let open = || Recent::open(&self.known.config.state_folder);
        self.analysis.recent.get_or_insert_with(open).wants_measures()
    }

    /// Records a snapshot that was taken now.
    pub(super) fn record_history(&mut self, snapshot: &Snapshot, now: Instant) {
        let Snapshot { services, backends, verdicts, traffic, .. } = snapshot;
        if let Some(recent) = &mut self.analysis.recent {
            recent.record(unix_seconds(), now, measures(services, backends, verdicts, traffic));
        }
    }

    /// Keeps no history any more. What there is stays on disk.
    pub(in super::super) fn end_history(&mut self) {
        if let Some(recent) = self.analysis.recent.take() {
            recent.end();
        }
    }

    /// How things went.
    pub(in super::super) fn history(&self, request: &HistoryRequest) -> Result<History, Refused> {
        let none = || Refused::invalid("no history is kept: set history = true in [analysis] of the configuration");
        let recent = self.analysis.recent.as_ref().ok_or_else(none)?;
        let not_yet = || Refused::failed("the history is being read from the disk: ask again");
        let past = recent.past.as_ref().ok_or_else(not_yet)?;
        if let Some(name) = &request.service {
            let is_served = self.known.config.services.iter().any(|service| service.name == *name);
            if !is_served && !past.has_service(name) {
                let reason = format!("no service is called {name:?}: `handoff services` lists them");
                return Err(Refused::invalid(reason));
            }
        }
        Ok(past.query(request))
    }
}

fn minute(past: &Past, minute: u64) -> Minute {
    Minute { minute, series: past.minute_values(minute) }
}

/// The seconds that a measurement stands for: all since the one before.
fn stands_for(before: u64, now: u64) -> RangeInclusive<u64> {
    if before < now && now - before <= LONGEST { before + 1..=now } else { now..=now }
}

fn unix_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
