//! Records of packets, handed on to those who asked for them, as long as they read: a trace, which shows decisions as lines, and captures, which
//! hold packets.
//!
//! | file | what it does |
//! |---|---|
//! | `filter` | what the program is to record, from what was asked |
//! | `trace` | a record as a line |
//! | `capture` | a record as a packet |

mod capture;
mod filter;
mod trace;

use super::core::Known;
use super::names::Names;
use crate::bpf;
use crate::control::types::{CaptureRequest, TraceLine, TraceRequest};
use crate::control::{CapturedPacket, Refused};
use crate::dataplane::{Recorded, Recorder};
use lb_common::abi::{CAPTURE_READERS, CaptureFilter};
use std::time::{Duration, Instant, SystemTime};
use tokio::sync::mpsc::{self, Sender};
use tracing::warn;

/// How often records are taken out of the ring.
pub(super) const INTERVAL: Duration = Duration::from_millis(50);

/// Records that are taken out at a time: the agent has other things to do. What comes faster than 20 times as many a second, the ring loses, and
/// counts.
const AT_ONCE: usize = 5_000;

/// How long the program goes on recording for an agent that is gone, in nanoseconds.
const LEASE: u64 = 3_000_000_000;

/// Records that wait for a slow reader, at most.
const WAITING: usize = 4_096;

/// The reader that is the trace; the others are captures.
const TRACE: usize = 0;

/// Those who read, each at its place in the program's maps.
#[derive(Default)]
pub(super) struct Recording([Option<Reader>; CAPTURE_READERS]);

struct Reader {
    filter: CaptureFilter,
    output: Output,
    /// How many records are still wanted.
    left: u64,
    ends: Option<Instant>,
    /// Records that were missed, as far as the reader was told.
    told_missed: u64,
    /// Records that the reader was too slow for.
    dropped: u64,
}

/// What becomes of records.
enum Output {
    Lines(Sender<TraceLine>),
    Packets(Sender<CapturedPacket>),
}

impl Recording {
    /// Whether anybody reads.
    pub(super) fn is_on(&self) -> bool {
        self.0.iter().any(Option::is_some)
    }

    /// Begins a trace, unless there is one already.
    pub(super) fn trace<R: Recorder>(
        &mut self,
        known: &Known,
        recorder: &mut R,
        request: &TraceRequest,
        now: Instant,
    ) -> Result<mpsc::Receiver<TraceLine>, Refused> {
        if !self.is_free(TRACE) {
            return Err(Refused::conflict("somebody else is tracing: wait for the end of that trace".to_owned()));
        }
        let (sender, lines) = mpsc::channel(WAITING);
        let filter = filter::of_trace(request)?;
        self.begin(TRACE, (known, recorder), filter, Output::Lines(sender), (request.count, request.duration_s), now)?;
        Ok(lines)
    }

    /// Begins a capture, if there is room for one more.
    pub(super) fn capture<R: Recorder>(
        &mut self,
        known: &Known,
        recorder: &mut R,
        request: &CaptureRequest,
        now: Instant,
    ) -> Result<mpsc::Receiver<CapturedPacket>, Refused> {
        let Some(place) = (TRACE + 1..CAPTURE_READERS).find(|&place| self.is_free(place)) else {
            let most = CAPTURE_READERS - 1;
            let reason = format!("{most} others are capturing, which is the most: wait for the end of one");
            return Err(Refused::conflict(reason));
        };
        let (sender, packets) = mpsc::channel(WAITING);
        let filter = filter::of_capture(known, request)?;
        self.begin(
            place,
            (known, recorder),
            filter,
            Output::Packets(sender),
            (request.count, request.duration_s),
            now,
        )?;
        Ok(packets)
    }

    /// Hands on the records that there are, and lets go of readers that have all they wanted, or are gone.
    pub(super) fn follow<R: Recorder>(&mut self, known: &Known, recorder: &mut R, now: Instant) {
        self.hand_on(known, recorder);
        for (place, slot) in self.0.iter_mut().enumerate() {
            let Some(reader) = slot else { continue };
            let is_over = reader.is_over(now);
            let filter = if is_over { CaptureFilter::OFF } else { reader.prolonged(recorder.record_clock()) };
            let done = recorder.set_filter(place, &filter);
            if let Err(error) = &done {
                warn!(%error, "a capture ends");
            }
            if is_over || done.is_err() {
                *slot = None;
            }
        }
    }

    fn is_free(&self, place: usize) -> bool {
        self.0[place].as_ref().is_none_or(|reader| reader.output.is_closed())
    }

    fn begin<R: Recorder>(
        &mut self,
        place: usize,
        (known, recorder): (&Known, &mut R),
        filter: CaptureFilter,
        output: Output,
        (count, duration_s): (Option<u64>, Option<u64>),
        now: Instant,
    ) -> Result<(), Refused> {
        let failed = |error: bpf::Error| Refused::failed(error.to_string());
        let ends = duration_s.and_then(|seconds| now.checked_add(Duration::from_secs(seconds)));
        let left = count.unwrap_or(u64::MAX);
        let reader = Reader { filter, output, left, ends, told_missed: 0, dropped: 0 };
        // What was recorded for an earlier reader at this place is none of this one's. There is an end to it: what that one wanted does not
        // come any more.
        recorder.set_filter(place, &CaptureFilter::OFF).map_err(failed)?;
        self.0[place] = None;
        while self.hand_on(known, recorder) == AT_ONCE {}
        recorder.forget_records(place).map_err(failed)?;
        recorder.set_filter(place, &reader.prolonged(recorder.record_clock())).map_err(failed)?;
        self.0[place] = Some(reader);
        Ok(())
    }

    /// Hands on what there is, up to [`AT_ONCE`] records; how many those were.
    fn hand_on<R: Recorder>(&mut self, known: &Known, recorder: &mut R) -> usize {
        let Some(first) = recorder.next_record() else { return 0 };
        let names = Names::of(known);
        let (wall, clock) = (SystemTime::now(), recorder.record_clock());
        let (mut next, mut count) = (Some(first), 0);
        while let Some(recorded) = next {
            count += 1;
            let at = wall - Duration::from_nanos(clock.saturating_sub(recorded.record.at));
            for (place, reader) in self.0.iter_mut().enumerate() {
                if let Some(reader) = reader.as_mut().filter(|_| recorded.record.readers >> place & 1 != 0) {
                    reader.take(known, &names, &recorded, at, recorded.record.missed[place]);
                }
            }
            next = if count < AT_ONCE { recorder.next_record() } else { None };
        }
        count
    }
}

impl Reader {
    fn is_over(&self, now: Instant) -> bool {
        self.left == 0 || self.output.is_closed() || self.ends.is_some_and(|ends| now >= ends)
    }

    fn prolonged(&self, clock: u64) -> CaptureFilter {
        CaptureFilter { until: clock + LEASE, ..self.filter }
    }

    /// Hands a record on. `missed` is how many there were that were not made.
    fn take(&mut self, known: &Known, names: &Names<'_>, recorded: &Recorded, at: SystemTime, missed: u64) {
        if self.left == 0 {
            return;
        }
        let untold = missed.saturating_sub(self.told_missed) + self.dropped;
        let line = || trace::line(known, names, &recorded.record, at, untold);
        // Nothing is made for a reader who is too slow.
        let is_sent = match &self.output {
            Output::Lines(reader) => reader.try_reserve().map(|place| place.send(line())).is_ok(),
            Output::Packets(reader) => {
                let packet = || capture::packet(known, recorded, at, line(), self.filter.snaplen);
                reader.try_reserve().map(|place| place.send(packet())).is_ok()
            }
        };
        if is_sent {
            (self.told_missed, self.dropped) = (missed, 0);
            self.left -= 1;
        } else {
            self.dropped += 1;
        }
    }
}

impl Output {
    fn is_closed(&self) -> bool {
        match self {
            Self::Lines(reader) => reader.is_closed(),
            Self::Packets(reader) => reader.is_closed(),
        }
    }
}
