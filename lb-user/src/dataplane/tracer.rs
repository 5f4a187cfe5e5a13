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

    /// Lets go of all records, and of what was counted of them.
    ///
    /// # Errors
    /// When the kernel refuses.
    fn forget_records(&mut self) -> Result<(), Error>;

    /// The present by the clock of the records, `CLOCK_MONOTONIC` in nanoseconds.
    fn record_clock(&self) -> u64;
}
