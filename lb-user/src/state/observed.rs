use super::Change;
use lb_common::abi::{Address, Backend, BackendState, Service, ServiceKey, Settings};
use std::collections::BTreeMap;
use std::ops::Range;

/// What the maps say, but for counters and flows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observed {
    /// What holds for the whole program; `None` in new maps.
    pub settings: Option<Settings>,
    /// Services.
    pub services: BTreeMap<ServiceKey, ObservedService>,
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
            Change::SetBackend { slot, backend } => {
                self.backends.insert(*slot, *backend);
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
