use crate::bpf::Error;
use lb_common::abi::{CaptureFilter, CaptureRecord, SampleRecord, Sampling};

/// Records of single packets, as the program makes them while somebody wants them.
pub trait Recorder {
    /// Replaces the filter of a reader, a number below `CAPTURE_READERS`.
    ///
    /// # Errors
    /// When the kernel refuses.
    fn set_filter(&mut self, reader: usize, filter: &CaptureFilter) -> Result<(), Error>;

    /// Begins to count anew how many records a reader has had and missed.
    ///
    /// # Errors
    /// When the kernel refuses.
    fn forget_records(&mut self, reader: usize) -> Result<(), Error>;

    /// Takes the oldest record, if there is one.
    fn next_record(&mut self) -> Option<Recorded>;

    /// The present by the clock of the records, `CLOCK_MONOTONIC` in nanoseconds.
    fn record_clock(&self) -> u64;

    /// Says which packets are sampled.
    ///
    /// # Errors
    /// When the kernel refuses.
    fn set_sampling(&mut self, sampling: &Sampling) -> Result<(), Error>;

    /// Takes the oldest sample, if there is one.
    fn next_sample(&mut self) -> Option<Sampled>;
}

/// A record of a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// What became of it.
    pub record: CaptureRecord,
    /// Its first bytes, as it came in.
    pub before: Vec<u8>,
    /// Its first bytes, as it went out.
    pub after: Vec<u8>,
}

/// A sample of a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sampled {
    /// What it shows.
    pub record: SampleRecord,
    /// Its first bytes, if it begins a TLS handshake.
    pub bytes: Vec<u8>,
}
