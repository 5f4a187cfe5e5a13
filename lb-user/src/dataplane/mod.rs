//! What the agent asks of the data plane: the maps and what attaches the program. [`crate::bpf`] is the real one;
//! [`memory`] keeps the maps in memory and runs the same packet logic, for tests. [`rehearsal`] runs it over either without changing
//! anything.

pub(crate) mod flows;
pub mod memory;
mod packet;
mod recorder;
pub mod rehearsal;
mod view;

pub use flows::{Flow, FlowCensus, Flows};
pub use recorder::{Recorded, Recorder, Sampled};
pub use view::View;

use crate::bpf::RunTime;
use crate::state::{Change, Observed};
use lb_common::abi::{BackendCounters, ServiceCounters, Tally, TrafficClass, VerdictCounters};
use lb_common::verdict::MAX_VERDICTS;
use std::collections::BTreeMap;

/// The maps, as the agent sees them.
pub trait Dataplane: Recorder + View {
    /// What can go wrong with them.
    type Error: std::error::Error + Send + Sync + 'static;

    /// What the maps say.
    ///
    /// # Errors
    /// When the kernel refuses to show them.
    fn observe(&self) -> Result<Observed, Self::Error>;

    /// Makes one change.
    ///
    /// # Errors
    /// When the kernel refuses; the change was not made then.
    fn apply(&mut self, change: &Change) -> Result<(), Self::Error>;

    /// The counters of these services and back-ends.
    ///
    /// # Errors
    /// When the kernel refuses to show them.
    fn counters(&self, services: &[u32], slots: &[u16]) -> Result<Counters, Self::Error>;

    /// Looks through the flow table.
    fn flows(&self) -> FlowCensus;

    /// The flow table itself.
    fn flow_table(&self) -> Flows<'_>;

    /// How long the program takes for a packet, if that is measured.
    fn run_time(&self) -> Option<RunTime>;
}

/// Counters, summed over all CPUs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counters {
    /// By number of the verdict.
    pub verdicts: [VerdictCounters; MAX_VERDICTS as usize],
    /// Frames, by index of [`TrafficClass`].
    pub classes: [Tally; TrafficClass::COUNT as usize],
    /// By number of the service.
    pub services: BTreeMap<u32, ServiceCounters>,
    /// By slot of the back-end.
    pub backends: BTreeMap<u16, BackendCounters>,
}
