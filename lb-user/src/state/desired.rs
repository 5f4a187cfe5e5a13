use lb_common::abi::{Address, Scheduler, ServiceKey, Settings, Ticks};
use lb_common::wire::Mac;
use std::collections::BTreeMap;

/// What the maps should say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Desired {
    /// What holds for the whole program.
    pub settings: Settings,
    /// Who serves what.
    pub services: BTreeMap<ServiceKey, DesiredService>,
    /// How long live flows of a removed back-end may go on.
    pub removal_grace: Ticks,
}

/// What a service should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DesiredService {
    /// How its new flows are spread.
    pub scheduler: Scheduler,
    /// Who answers; no address twice.
    pub backends: Vec<DesiredBackend>,
}

/// What a back-end should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DesiredBackend {
    /// Its own address.
    pub address: Address,
    /// The way to it; `None` while the network knows none. Such a back-end gets no new flows.
    pub next_hop: Option<NextHop>,
}

/// The way to a back-end on its segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NextHop {
    /// The interface that it is reached through.
    pub ifindex: u32,
    /// Its Ethernet address.
    pub mac: Mac,
    /// The interface's own Ethernet address.
    pub source_mac: Mac,
}
