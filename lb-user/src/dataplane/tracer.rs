use crate::bpf::Error;
use lb_common::abi::{TraceFilter, TraceRecord};

/// Records of decisions, as the program makes them while a filter says so.
pub trait Tracer {
    /// Replaces the filter.
    ///
    /// # Errors
    /// When the kernel refuses.
    fn set_filter(&mut self, filter: &TraceFilter) -> Result<(), Error>;

    /// Takes the oldest record, if there is one.
    fn next_record(&mut self) -> Option<TraceRecord>;

    /// How many records were never made, for there were too many, since the program was loaded.
    ///
    /// # Errors
    /// When the kernel refuses to show it.
    fn missed_records(&self) -> Result<u64, Error>;

    /// The present by the clock of the records, `CLOCK_MONOTONIC` in nanoseconds.
    fn record_clock(&self) -> u64;
}
