use super::object::Object;
use super::plain::{IsPlain, Plain};
use super::{Error, KernelDataplane};
use crate::dataplane::Tracer;
use aya::maps::{Array, MapData, RingBuf};
use lb_common::abi::{TraceFilter, TraceRecord};
use nix::time::{ClockId, clock_gettime};
use std::ptr;

/// The maps that a trace goes through. They are the program's own: another program begins with new ones.
pub(super) struct TraceMaps {
    filter: Array<MapData, Plain<TraceFilter>>,
    /// The limiter's state, and how many records were missed.
    state: Array<MapData, Plain<[u64; 2]>>,
    ring: RingBuf<MapData>,
}

impl TraceMaps {
    pub(super) fn of(object: &mut Object) -> Result<Self, Error> {
        Ok(Self {
            filter: object.take("TRACE_FILTER")?.try_into().map_err(Error::map("TRACE_FILTER"))?,
            state: object.take("TRACE_STATE")?.try_into().map_err(Error::map("TRACE_STATE"))?,
            ring: object.take("TRACE")?.try_into().map_err(Error::map("TRACE"))?,
        })
    }
}

impl Tracer for KernelDataplane {
    fn set_filter(&mut self, filter: &TraceFilter) -> Result<(), Error> {
        self.trace.filter.set(0, Plain(*filter), 0).map_err(Error::map("TRACE_FILTER"))
    }

    fn next_record(&mut self) -> Option<TraceRecord> {
        let item = self.trace.ring.next()?;
        parse(&item)
    }

    fn forget_records(&mut self) -> Result<(), Error> {
        while self.trace.ring.next().is_some() {}
        self.trace.state.set(0, Plain([0; 2]), 0).map_err(Error::map("TRACE_STATE"))
    }

    fn record_clock(&self) -> u64 {
        // There is no error to handle: the clock exists on every Linux.
        clock_gettime(ClockId::CLOCK_MONOTONIC)
            .map_or(0, |now| now.tv_sec() as u64 * 1_000_000_000 + now.tv_nsec() as u64)
    }
}

fn parse<T: IsPlain>(bytes: &[u8]) -> Option<T> {
    if bytes.len() != size_of::<T>() {
        return None;
    }
    // SAFETY: as many bytes as a `T` has, and `IsPlain` promises that any are valid.
    Some(unsafe { ptr::read_unaligned(bytes.as_ptr().cast()) })
}
