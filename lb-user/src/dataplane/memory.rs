//! A data plane in memory: what the kernel would hold, with the same packet logic over it.

mod recorder;
mod view;

use super::flows::forget_flows;
use super::packet::Packet;
use super::{Counters, Dataplane, FlowCensus, Flows};
use crate::bpf::RunTime;
use crate::state::{AccessRule, AccessRules, Change, Observed, PortsPrefix, QuicSecret};
use lb_common::abi::{
    AccessKey, AccessList, Action, Address, Backend, BackendCounters, FRAGMENT_BUCKETS, Limiter, MAX_RING_POSITIONS,
    PortsKey, QuicKey, QuicServer, QuicServerKey, Service, ServiceCounters, ServiceKey, Settings, SourceKey,
    TICK_SHIFT, Tally, Ticks, Timeouts, TrafficClass, VerdictCounters, ticks,
};
use lb_common::atomic::SharedWord;
use lb_common::datapath::{Calls, Outcome, Plan, process};
use lb_common::flow_table::{Bucket, Entry, FlowRecord, Forgetful, StoredKey, WAYS, bucket_index};
use lb_common::frame::Frame;
use lb_common::quic::QuicConfig;
use lb_common::tables::{self, Flow, FlowTable, Tables};
use lb_common::verdict::{MAX_VERDICTS, Verdict};
use lb_common::wire::Be16;
use std::cell::{Cell, LazyCell, RefCell};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;

/// The settings in a new map: all zeroes.
static UNWRITTEN: Settings = Settings::ZERO;

/// Buckets of the table of clients.
pub const CLIENT_BUCKETS: usize = 1 << 10;

/// The maps in memory, and the present that its decisions are made in.
pub struct MemoryDataplane {
    observed: Observed,
    rings: Vec<u16>,
    cursors: BTreeMap<u32, SharedWord>,
    access: BTreeMap<AccessList, Arc<AccessRules>>,
    traffic: Traffic,
    records: recorder::Records,
    /// The interface that packets come in by.
    pub ingress: u32,
}

/// What packets leave behind in the maps, and how long that took.
struct Traffic {
    buckets: Vec<Bucket>,
    keys: Vec<StoredKey>,
    // Most traffic has no need of these two.
    clients: LazyCell<Vec<Bucket>>,
    fragments: LazyCell<Vec<Bucket>>,
    limiters: Vec<SharedWord>,
    sources: RefCell<BTreeMap<SourceKey, SharedWord>>,
    counters: RefCell<Counters>,
    /// The present, in nanoseconds.
    now: Cell<u64>,
}

impl Traffic {
    /// None, with a flow table of `buckets` buckets.
    fn none(buckets: usize) -> Self {
        Self {
            buckets: table(buckets),
            keys: (0..buckets * WAYS).map(|_| StoredKey::default()).collect(),
            clients: LazyCell::new(|| table(CLIENT_BUCKETS)),
            fragments: LazyCell::new(|| table(FRAGMENT_BUCKETS as usize)),
            limiters: (0..Limiter::COUNT).map(|_| SharedWord::default()).collect(),
            sources: RefCell::default(),
            counters: RefCell::new(Counters {
                verdicts: [VerdictCounters::default(); MAX_VERDICTS as usize],
                classes: [Tally::default(); TrafficClass::COUNT as usize],
                services: BTreeMap::new(),
                backends: BTreeMap::new(),
            }),
            now: Cell::new(0),
        }
    }
}

impl MemoryDataplane {
    /// Empty maps with a flow table of `buckets` buckets, which must be a power of two.
    pub fn new(buckets: usize) -> Self {
        Self {
            observed: Observed::default(),
            rings: vec![0; MAX_RING_POSITIONS as usize],
            cursors: BTreeMap::new(),
            access: BTreeMap::new(),
            traffic: Traffic::none(buckets),
            records: recorder::Records::off(),
            ingress: 1,
        }
    }

    /// Goes back to before the first packet. What the agent wrote stays.
    pub fn forget_traffic(&mut self) {
        self.traffic = Traffic::none(self.traffic.buckets.len());
        self.cursors.values_mut().for_each(|cursor| *cursor = SharedWord::default());
    }

    /// Decides on the packet in `bytes`, counts the outcome and writes into it what follows: all that the XDP program does but
    /// sending it.
    pub fn run(&self, bytes: &mut Vec<u8>) -> Outcome {
        let record = self.begin_record(bytes);
        let mut packet = Packet::of(bytes);
        let outcome = process(self, &mut packet);
        *bytes = packet.into_bytes();
        if let Some(record) = record {
            self.end_record(record, &outcome, bytes);
        }
        outcome
    }

    /// The present.
    pub fn now(&self) -> Ticks {
        ticks(self.traffic.now.get())
    }

    /// Lets time pass.
    pub fn wait(&self, ticks: Ticks) {
        self.traffic.now.set(self.traffic.now.get() + (u64::from(ticks) << TICK_SHIFT));
    }

    fn write_ring(&mut self, start: u32, slots: &[u16]) {
        let start = start as usize;
        self.rings[start..start + slots.len()].copy_from_slice(slots);
    }
}

impl Dataplane for MemoryDataplane {
    type Error = Infallible;

    fn observe(&self) -> Result<Observed, Infallible> {
        Ok(self.observed.clone())
    }

    fn apply(&mut self, change: &Change) -> Result<(), Infallible> {
        match change {
            Change::SetService { service, .. } => {
                self.write_ring(service.service.ring_start, &service.ring);
                self.write_ring(service.service.consistent_start, &service.consistent);
                self.cursors.entry(service.service.id).or_default();
            }
            Change::ResetServiceCounters { id } => {
                self.traffic.counters.get_mut().services.remove(id);
                self.cursors.insert(*id, SharedWord::default());
            }
            Change::ResetBackendCounters { slot } => {
                self.traffic.counters.get_mut().backends.remove(slot);
            }
            Change::ForgetFlows { slots } => forget_flows(&self.traffic.buckets, slots),
            Change::SetAccess(rules) => {
                self.access.insert(rules.list(), rules.clone());
            }
            Change::RemoveAccess(list) => {
                self.access.remove(list);
            }
            Change::SetSettings(_)
            | Change::AddVip(_)
            | Change::RemoveVip(_)
            | Change::SetBackend { .. }
            | Change::RemoveService { .. }
            | Change::SetQuic { .. }
            | Change::RemoveQuic(_)
            | Change::SetQuicServer { .. }
            | Change::RemoveQuicServer(_)
            | Change::SetPorts { .. }
            | Change::RemovePorts(_) => {}
        }
        self.observed.follow(change);
        Ok(())
    }

    fn counters(&self, services: &[u32], slots: &[u16]) -> Result<Counters, Infallible> {
        let all = self.traffic.counters.borrow();
        Ok(Counters {
            verdicts: all.verdicts,
            classes: all.classes,
            services: services.iter().map(|id| (*id, all.services.get(id).copied().unwrap_or_default())).collect(),
            backends: slots.iter().map(|slot| (*slot, all.backends.get(slot).copied().unwrap_or_default())).collect(),
        })
    }

    /// There is no program.
    fn run_time(&self) -> Option<RunTime> {
        None
    }

    fn flows(&self) -> FlowCensus {
        let timeouts = self.observed.settings.map_or(Timeouts::DEFAULT, |settings| settings.timeouts);
        FlowCensus::count(&self.traffic.buckets, self.now(), &timeouts)
    }

    fn flow_table(&self) -> Flows<'_> {
        let settings = self.observed.settings.as_ref().unwrap_or(&UNWRITTEN);
        let vips = self.observed.vips.iter().copied();
        Flows::new(&self.traffic.buckets, &self.traffic.keys, vips, settings, self.now())
    }
}

impl Tables for MemoryDataplane {
    type Flows = Self;

    fn flows(&self) -> &Self {
        self
    }

    fn settings(&self) -> Option<&Settings> {
        Some(self.observed.settings.as_ref().unwrap_or(&UNWRITTEN))
    }

    fn ingress(&self) -> u32 {
        self.ingress
    }

    fn now(&self) -> u64 {
        self.traffic.now.get()
    }

    fn service(&self, key: &ServiceKey) -> Option<&Service> {
        Some(&self.observed.services.get(key)?.service)
    }

    fn is_vip(&self, address: &Address) -> bool {
        self.observed.vips.contains(address)
    }

    fn ports(&self, key: &PortsKey) -> Option<Be16> {
        let holds = |prefix: &PortsPrefix| {
            let PortsKey { address, protocol, port, .. } = prefix.first;
            let free_bits = PortsKey::BITS - prefix.bits;
            (address, protocol) == (key.address, key.protocol)
                && u32::from(port.get() ^ key.port.get()) >> free_bits == 0
        };
        let holders = self.observed.ports.iter().filter(|(prefix, _)| holds(prefix));
        holders.max_by_key(|(prefix, _)| prefix.bits).map(|(_, &first)| first)
    }

    fn cursor(&self, service: u32) -> Option<&SharedWord> {
        self.cursors.get(&service)
    }

    fn ring(&self, position: u32) -> Option<u16> {
        self.rings.get(position as usize).copied()
    }

    fn backend(&self, slot: u16) -> Option<&Backend> {
        self.observed.backends.get(&slot)
    }

    fn access(&self, key: &AccessKey) -> Option<Action> {
        let rules = self.access.get(&key.list)?.rules().iter();
        let holders = rules.filter(|rule| key.source.prefix(rule.bits.into()) == rule.source);
        holders.max_by_key(|rule| rule.bits).map(AccessRule::action)
    }

    fn limiter(&self, limiter: Limiter) -> Option<&SharedWord> {
        self.traffic.limiters.get(limiter.index() as usize)
    }

    fn source_limiter(&self, key: &SourceKey, admit: impl FnOnce(&SharedWord) -> bool) -> Option<bool> {
        Some(admit(self.traffic.sources.borrow_mut().entry(*key).or_default()))
    }

    fn quic(&self, key: &QuicKey) -> Option<&QuicConfig> {
        self.observed.quic.get(key).map(QuicSecret::config)
    }

    fn quic_server(&self, key: &QuicServerKey) -> Option<QuicServer> {
        self.observed.quic_servers.get(key).copied()
    }

    fn client(&self, settings: &Settings, hash: u64) -> Option<FlowRecord> {
        recall(&self.traffic.clients, settings.client_mask, hash)
    }

    fn remember_client(&self, settings: &Settings, hash: u64, record: FlowRecord, lifetime: Ticks) {
        remember(&self.traffic.clients, settings.client_mask, hash, record, lifetime);
    }

    fn fragment(&self, hash: u64) -> Option<FlowRecord> {
        recall(&self.traffic.fragments, FRAGMENT_BUCKETS - 1, hash)
    }

    fn remember_fragment(&self, hash: u64, record: FlowRecord, lifetime: Ticks) {
        remember(&self.traffic.fragments, FRAGMENT_BUCKETS - 1, hash, record, lifetime);
    }
}

impl FlowTable for MemoryDataplane {
    type Place<'a> = &'a Entry;

    fn find(&self, settings: &Settings, flow: &Flow) -> Option<(&Entry, FlowRecord)> {
        self.traffic.buckets.get(bucket_index(flow.hash, settings.bucket_mask) as usize)?.find(flow.hash)
    }

    fn update(&self, place: &&Entry, current: FlowRecord, new: FlowRecord) {
        place.update(current, new);
    }

    fn remember(&self, settings: &Settings, flow: &Flow, record: FlowRecord) -> bool {
        let index = bucket_index(flow.hash, settings.bucket_mask) as usize;
        let bucket = self.traffic.buckets.get(index);
        let Some(way) = bucket.and_then(|bucket| bucket.remember(flow.hash, record, &settings.timeouts)) else {
            return false;
        };
        self.traffic.keys[index * WAYS + way].store(&flow.key);
        true
    }
}

impl Calls for MemoryDataplane {
    fn sample(&self, frame: &Frame<'_>, count: u64, found: &Result<Plan<'_>, Verdict>) {
        self.take_sample(frame, count, found);
    }
}

impl tables::Counters for MemoryDataplane {
    fn count_class(&self, class: TrafficClass, bytes: u64) -> u64 {
        let mut counters = self.traffic.counters.borrow_mut();
        let tally = &mut counters.classes[class.index() as usize];
        tally.count(bytes);
        tally.packets
    }

    fn count_verdict(&self, number: u32, bytes: u64) {
        self.traffic.counters.borrow_mut().verdicts[number as usize].count(bytes);
    }

    fn count_service(&self, service: u32, count: impl FnOnce(&mut ServiceCounters)) {
        count(self.traffic.counters.borrow_mut().services.entry(service).or_default());
    }

    fn count_backend(&self, slot: u16, count: impl FnOnce(&mut BackendCounters)) {
        count(self.traffic.counters.borrow_mut().backends.entry(slot).or_default());
    }
}

fn table(buckets: usize) -> Vec<Bucket> {
    (0..buckets).map(|_| Bucket::default()).collect()
}

fn recall(table: &[Bucket], mask: u32, hash: u64) -> Option<FlowRecord> {
    table.get(bucket_index(hash, mask) as usize)?.find(hash).map(|(_, record)| record)
}

fn remember(table: &[Bucket], mask: u32, hash: u64, record: FlowRecord, lifetime: Ticks) {
    if let Some(bucket) = table.get(bucket_index(hash, mask) as usize) {
        bucket.remember(hash, record, &Forgetful { after: lifetime });
    }
}
