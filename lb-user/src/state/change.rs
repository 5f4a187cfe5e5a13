use super::{AccessRules, ObservedService, PortsPrefix, QuicSecret};
use lb_common::abi::{AccessList, Address, Backend, QuicKey, QuicServer, QuicServerKey, ServiceKey, Settings};
use lb_common::wire::Be16;
use std::collections::BTreeSet;
use std::sync::Arc;

/// One step from what is to what should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Write what holds for the whole program.
    SetSettings(Box<Settings>),
    /// Make an address a VIP.
    AddVip(Address),
    /// Make it one no more.
    RemoveVip(Address),
    /// Write a back-end.
    SetBackend {
        /// Its slot.
        slot: u16,
        /// The whole entry.
        backend: Backend,
    },
    /// Write an access list.
    SetAccess(Arc<AccessRules>),
    /// Take an access list away, which no service names any more.
    RemoveAccess(AccessList),
    /// Write how QUIC connection IDs name servers.
    SetQuic {
        /// Whose, and of which codepoint.
        key: QuicKey,
        /// How.
        config: QuicSecret,
    },
    /// Let no connection ID of a codepoint name anyone any more.
    RemoveQuic(QuicKey),
    /// Write whom QUIC connection IDs mean.
    SetQuicServer {
        /// The name.
        key: QuicServerKey,
        /// Who it is.
        server: QuicServer,
    },
    /// Let a name in connection IDs mean nobody any more.
    RemoveQuicServer(QuicServerKey),
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
    /// Lead ports to the service with several ports whose first one is given.
    SetPorts {
        /// The ports.
        prefix: PortsPrefix,
        /// The port in the service's key.
        first: Be16,
    },
    /// Lead ports nowhere.
    RemovePorts(PortsPrefix),
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
