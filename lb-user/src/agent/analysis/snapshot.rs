use super::super::core::Core;
use super::super::report::{self, Reading};
use super::traffic::traffic;
use crate::control::types::{Snapshot, Traffic};
use crate::dataplane::Dataplane;
use crate::tickets::Keeper;
use std::time::{Instant, SystemTime, UNIX_EPOCH};
use tracing::warn;

/// Looking through a large flow table takes long: of so many parts of the time, it takes one.
const PARTS: u32 = 20;

impl<D: Dataplane> Core<D> {
    /// What kind of traffic there is.
    pub(in super::super) fn traffic(&self) -> Result<Traffic, D::Error> {
        let reading = Reading::take(&self.known, &self.dataplane)?;
        let services = report::services(&self.known, &reading);
        let backends = report::backends(&self.known, &reading);
        Ok(traffic(&self.known.config, &reading, &services, &backends))
    }

    /// Everything at one moment.
    pub(in super::super) fn snapshot(&self) -> Result<Snapshot, D::Error> {
        let (known, reading) = (&self.known, Reading::take(&self.known, &self.dataplane)?);
        let services = report::services(known, &reading);
        let backends = report::backends(known, &reading);
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Ok(Snapshot {
            unix_ms: u64::try_from(since_1970.as_millis()).unwrap_or(u64::MAX),
            status: report::status(known, &self.dataplane, &reading.census, self.store.generations.current()),
            verdicts: report::verdicts(&reading.counters),
            traffic: traffic(&known.config, &reading, &services, &backends),
            samples: self.analysis.samples(),
            tickets: known.tickets.as_ref().map(Keeper::status).unwrap_or_default(),
            services,
            backends,
        })
    }

    /// Takes a snapshot for the history and for those who look on, if it is wanted and time for it.
    pub(in super::super) fn follow_traffic(&mut self, now: Instant) {
        let (is_recorded, is_heard) = (self.history_goes_on(), self.analysis.live.is_heard());
        if !(is_recorded || is_heard) || now < self.analysis.next {
            return;
        }
        match self.snapshot() {
            Ok(snapshot) => {
                if is_recorded {
                    self.record_history(&snapshot, now);
                }
                if is_heard {
                    self.analysis.live.show(snapshot);
                }
            }
            Err(error) => warn!(%error, "the counters cannot be read: history and live values have a gap"),
        }
        self.analysis.next = now + now.elapsed() * PARTS;
    }
}
