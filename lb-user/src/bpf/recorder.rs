use super::object::Object;
use super::plain::{IsPlain, Plain};
use super::{Error, KernelDataplane};
use crate::dataplane::{Recorded, Recorder, Sampled};
use aya::maps::{Array, MapData, RingBuf};
use lb_common::abi::{CaptureFilter, CaptureRecord, SampleRecord, Sampling};
use nix::time::{ClockId, clock_gettime};
use std::ptr;

/// The maps that records go through. They are the program's own: another program begins with new ones.
pub(super) struct RecordMaps {
    /// A bit for each reader that has a filter.
    readers: Array<MapData, u32>,
    filters: Array<MapData, Plain<CaptureFilter>>,
    /// For each reader, the limiter's state, and how many records were missed.
    states: Array<MapData, Plain<[u64; 2]>>,
    records: RingBuf<MapData>,
    sampling: Array<MapData, Plain<Sampling>>,
    samples: RingBuf<MapData>,
}

impl RecordMaps {
    pub(super) fn of(object: &mut Object) -> Result<Self, Error> {
        Ok(Self {
            readers: object.take("CAPTURE_READERS_ON")?.try_into().map_err(Error::map("CAPTURE_READERS_ON"))?,
            filters: object.take("CAPTURE_FILTERS")?.try_into().map_err(Error::map("CAPTURE_FILTERS"))?,
            states: object.take("CAPTURE_STATE")?.try_into().map_err(Error::map("CAPTURE_STATE"))?,
            records: object.take("CAPTURE")?.try_into().map_err(Error::map("CAPTURE"))?,
            sampling: object.take("SAMPLING")?.try_into().map_err(Error::map("SAMPLING"))?,
            samples: object.take("SAMPLES")?.try_into().map_err(Error::map("SAMPLES"))?,
        })
    }
}

impl Recorder for KernelDataplane {
    fn set_filter(&mut self, reader: usize, filter: &CaptureFilter) -> Result<(), Error> {
        let RecordMaps { readers, filters, .. } = &mut self.records;
        filters.set(reader as u32, Plain(*filter), 0).map_err(Error::map("CAPTURE_FILTERS"))?;
        let on = readers.get(&0, 0).map_err(Error::map("CAPTURE_READERS_ON"))?;
        let bit = 1 << reader;
        let on = if filter.until == 0 { on & !bit } else { on | bit };
        readers.set(0, on, 0).map_err(Error::map("CAPTURE_READERS_ON"))
    }

    fn forget_records(&mut self, reader: usize) -> Result<(), Error> {
        self.records.states.set(reader as u32, Plain([0; 2]), 0).map_err(Error::map("CAPTURE_STATE"))
    }

    fn next_record(&mut self) -> Option<Recorded> {
        let item = self.records.records.next()?;
        let (record, bytes): (CaptureRecord, _) = parse(&item)?;
        let (before, rest) = bytes.split_at_checked(record.before.into())?;
        let after = rest.get(..record.after.into())?;
        Some(Recorded { record, before: before.to_vec(), after: after.to_vec() })
    }

    fn record_clock(&self) -> u64 {
        // There is no error to handle: the clock exists on every Linux.
        clock_gettime(ClockId::CLOCK_MONOTONIC)
            .map_or(0, |now| now.tv_sec() as u64 * 1_000_000_000 + now.tv_nsec() as u64)
    }

    fn set_sampling(&mut self, sampling: &Sampling) -> Result<(), Error> {
        self.records.sampling.set(0, Plain(*sampling), 0).map_err(Error::map("SAMPLING"))
    }

    fn next_sample(&mut self) -> Option<Sampled> {
        let item = self.records.samples.next()?;
        let (record, bytes): (SampleRecord, _) = parse(&item)?;
        Some(Sampled { record, bytes: bytes.get(..record.captured.into())?.to_vec() })
    }
}

/// What begins with a `T`, and what follows it.
fn parse<T: IsPlain>(bytes: &[u8]) -> Option<(T, &[u8])> {
    let (head, rest) = bytes.split_at_checked(size_of::<T>())?;
    // SAFETY: as many bytes as a `T` has, and `IsPlain` promises that any are valid.
    Some((unsafe { ptr::read_unaligned(head.as_ptr().cast()) }, rest))
}
