use super::ObservedService;
use lb_common::abi::{Backend, ServiceKey, Settings};
use std::collections::BTreeSet;

/// One step from what is to what should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Write what holds for the whole program.
    SetSettings(Box<Settings>),
    /// Write a back-end.
    SetBackend {
        /// Its slot.
        slot: u16,
        /// The whole entry.
        backend: Backend,
    },
    /// Write a service's rings to positions that nobody uses, then, in one step, the service that names them.
    SetService {
        /// The service.
        key: ServiceKey,
        /// Its entry and what its rings hold.
        service: ObservedService,
    },
    /// Take a service away: its packets pass to the network stack, but for those of flows that are remembered.
    RemoveService {
        /// The service.
        key: ServiceKey,
    },
    /// Start a service's counters from 0: its number belonged to another.
    ResetServiceCounters {
        /// [`lb_common::abi::Service::id`].
        id: u32,
    },
    /// Start a back-end's counters from 0: its slot belonged to another.
    ResetBackendCounters {
        /// Its slot.
        slot: u16,
    },
    /// Forget all flows of these back-ends: one look through the flow table for all of them.
    ForgetFlows {
        /// Their slots.
        slots: BTreeSet<u16>,
    },
}
