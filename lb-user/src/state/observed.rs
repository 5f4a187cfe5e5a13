use super::{Change, PortsPrefix, QuicSecret};
use lb_common::abi::{
    AccessList, Address, Backend, BackendState, QuicKey, QuicServer, QuicServerKey, Service, ServiceFlags, ServiceKey,
    Settings,
};
use lb_common::wire::Be16;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// What the maps say, but for counters and flows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observed {
    /// What holds for the whole program; `None` in new maps.
    pub settings: Option<Settings>,
    /// Addresses of services.
    pub vips: BTreeSet<Address>,
    /// Services.
    pub services: BTreeMap<ServiceKey, ObservedService>,
    /// Ports that lead to a service with several: to the one with this port in its key.
    pub ports: BTreeMap<PortsPrefix, Be16>,
    /// How QUIC connection IDs name servers.
    pub quic: BTreeMap<QuicKey, QuicSecret>,
    /// Whom QUIC connection IDs mean.
    pub quic_servers: BTreeMap<QuicServerKey, QuicServer>,
    /// Access lists, complete or not: those that a service names are.
    pub access: BTreeSet<AccessList>,
    /// Back-ends by slot, those that are in use or once were.
    pub backends: BTreeMap<u16, Backend>,
}

/// A service with what its rings hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObservedService {
    /// The entry of the service.
    pub service: Service,
    /// Slots on the scheduler's ring.
    pub ring: Vec<u16>,
    /// Slots on the consistent ring.
    pub consistent: Vec<u16>,
}

impl ObservedService {
    /// The ring positions that the service uses.
    pub fn ranges(&self) -> [Range<u32>; 2] {
        let Service { ring_start, ring_len, consistent_start, consistent_len, .. } = self.service;
        [ring_start..ring_start + ring_len, consistent_start..consistent_start + consistent_len]
    }

    /// The access list that the service names.
    pub fn access(&self) -> Option<AccessList> {
        self.service.flags.has(ServiceFlags::ACCESS).then_some(self.service.access)
    }
}

impl Observed {
    /// Slots of the back-ends in use or leaving, by service and address.
    pub fn slots(&self) -> BTreeMap<(u32, Address), u16> {
        let used = self.backends.iter().filter(|(_, backend)| backend.state != BackendState::FREE);
        used.map(|(&slot, backend)| ((backend.service, backend.address), slot)).collect()
    }

    /// Follows a change that was made to the maps.
    pub fn follow(&mut self, change: &Change) {
        match change {
            Change::SetSettings(settings) => self.settings = Some(**settings),
            Change::AddVip(address) => {
                self.vips.insert(*address);
            }
            Change::RemoveVip(address) => {
                self.vips.remove(address);
            }
            Change::SetBackend { slot, backend } => {
                self.backends.insert(*slot, *backend);
            }
            Change::SetQuic { key, config } => {
                self.quic.insert(*key, config.clone());
            }
            Change::RemoveQuic(key) => {
                self.quic.remove(key);
            }
            Change::SetQuicServer { key, server } => {
                self.quic_servers.insert(*key, *server);
            }
            Change::RemoveQuicServer(key) => {
                self.quic_servers.remove(key);
            }
            Change::SetAccess(rules) => {
                self.access.insert(rules.list());
            }
            Change::RemoveAccess(list) => {
                self.access.remove(list);
            }
            Change::SetPorts { prefix, first } => {
                self.ports.insert(*prefix, *first);
            }
            Change::RemovePorts(prefix) => {
                self.ports.remove(prefix);
            }
            Change::SetService { key, service, .. } => {
                self.services.insert(*key, service.clone());
            }
            Change::RemoveService { key } => {
                self.services.remove(key);
            }
            Change::ResetServiceCounters { .. } | Change::ResetBackendCounters { .. } | Change::ForgetFlows { .. } => {}
        }
    }
}
