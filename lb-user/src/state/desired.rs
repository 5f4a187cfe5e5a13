use super::{AccessRules, QuicSecret};
use crate::schedule::Ramp;
use lb_common::abi::{Address, Forwarding, Outer, PortsKey, Service, ServiceKey, Settings, Tags, Ticks};
use lb_common::quic::ServerId;
use lb_common::wire::Mac;
use std::collections::BTreeMap;
use std::sync::Arc;

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
    /// The entry of the service, but for its number and its rings, which are 0.
    pub entry: Service,
    /// What leads to a service with several ports.
    pub ports: Vec<PortsPrefix>,
    /// Which sources may open flows.
    pub access: Option<Arc<AccessRules>>,
    /// How QUIC connection IDs name back-ends.
    pub quic: Vec<DesiredQuic>,
    /// A back-end with more live flows than so many per cent of its share gets none for affinity's sake.
    pub max_load: Option<u32>,
    /// Who answers; no address twice.
    pub backends: Vec<DesiredBackend>,
}

/// How QUIC connection IDs of one codepoint should name back-ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DesiredQuic {
    /// The codepoint: 0 to 6.
    pub codepoint: u8,
    /// How server IDs are encoded.
    pub config: QuicSecret,
    /// Addresses of the back-ends that have a server ID.
    pub servers: Vec<(ServerId, Address)>,
}

impl DesiredService {
    /// Whether its rings or its affinity depend on what there is to do.
    pub fn heeds_load(&self) -> bool {
        self.max_load.is_some() || self.entry.scheduler.heeds_load()
    }
}

/// Ports that share their leading bits: the first of them, and how many bits of the key lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PortsPrefix {
    /// The key with the first port.
    pub first: PortsKey,
    /// Leading bits of the key: [`PortsKey::ADDRESS_BITS`] to [`PortsKey::BITS`].
    pub bits: u32,
}

/// What a back-end should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DesiredBackend {
    /// Its own address.
    pub address: Address,
    /// How many new flows it gets, relative to the others of the service; 0 for none.
    pub weight: u16,
    /// How much of its weight counts, after it was out of service.
    pub ramp: Ramp,
    /// What it is there for.
    pub takes: Takes,
    /// The way to it; `None` while the network knows none. Such a back-end gets no new flows.
    pub delivery: Option<Delivery>,
}

impl DesiredBackend {
    /// Whether it gets new flows, as far as it has weight.
    pub fn is_ready(&self) -> bool {
        self.takes == Takes::AllFlows && self.delivery.is_some()
    }
}

/// Which flows a back-end takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Takes {
    /// New ones and those that it has.
    #[default]
    AllFlows,
    /// Those that it has: it is being drained, or did not answer its health check.
    LiveFlows,
    /// None: those that it had are forgotten at once.
    NoFlows,
}

/// How packets get to a back-end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The interface that they leave by.
    pub ifindex: u32,
    /// The Ethernet address that they are sent to.
    pub mac: Mac,
    /// The interface's own Ethernet address.
    pub source_mac: Mac,
    /// VLAN tags that they leave with.
    pub tags: Tags,
    /// In which form.
    pub forwarding: Forwarding,
    /// Length in bytes of the largest packet that gets there in one piece.
    pub max_len: u16,
    /// What a tunnel puts in front of them.
    pub outer: Outer,
}
