//! A data plane in memory: what the kernel would hold, with the same packet logic over it.

use super::flows::forget_flows;
use super::{Counters, Dataplane, FlowCensus};
use crate::state::{Change, Observed};
use lb_common::abi::{
    Backend, BackendCounters, Device, MAX_DEVICES, MAX_RING_POSITIONS, Service, ServiceCounters, ServiceKey, Settings,
    Tally, Ticks, Timeouts, VipFilter,
};
use lb_common::atomic::SharedWord;
use lb_common::datapath::{Plan, decide, hand_off, record};
use lb_common::flow_table::{Bucket, Entry, FlowRecord, FlowState, bucket_index};
use lb_common::frame::Frame;
use lb_common::tables::{self, Flow, FlowTable, Tables};
use lb_common::verdict::{MAX_VERDICTS, Verdict};
use lb_common::wire::Mac;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::convert::Infallible;

/// The settings in a new map: all zeroes.
static UNWRITTEN: Settings = Settings {
    flow_secret: [0; 2],
    bucket_mask: 0,
    device_count: 0,
    devices: [Device { ifindex: 0, mac: Mac::new([0; 6]), padding: [0; 2] }; MAX_DEVICES],
    timeouts: Timeouts { expired: [0; FlowState::COUNT], idle: [0; FlowState::COUNT] },
    vips: VipFilter::EMPTY,
};

/// The maps in memory, and the present that its decisions are made in.
pub struct MemoryDataplane {
    observed: Observed,
    rings: Vec<u16>,
    cursors: BTreeMap<u32, SharedWord>,
    buckets: Vec<Bucket>,
    counters: RefCell<Counters>,
    /// The interface that packets come in by.
    pub ingress: u32,
    /// The present.
    pub now: Cell<Ticks>,
}

impl MemoryDataplane {
    /// Empty maps with a flow table of `buckets` buckets, which must be a power of two.
    pub fn new(buckets: usize) -> Self {
        Self {
            observed: Observed::default(),
            rings: vec![0; MAX_RING_POSITIONS as usize],
            cursors: BTreeMap::new(),
            buckets: (0..buckets).map(|_| Bucket::default()).collect(),
            counters: RefCell::new(Counters {
                verdicts: [Tally::default(); MAX_VERDICTS as usize],
                services: BTreeMap::new(),
                backends: BTreeMap::new(),
            }),
            ingress: 1,
            now: Cell::new(0),
        }
    }

    /// Decides on the packet in `bytes`, counts the outcome and, when it is forwarded, addresses it to its back-end: all that the
    /// XDP program does but sending it. The verdict, and for a forwarded packet the slot of its back-end.
    pub fn run(&self, bytes: &mut [u8]) -> (Verdict, Option<u16>) {
        let mut frame = Frame::from_slice(bytes);
        let outcome = decide(self, &frame).and_then(|plan| hand_off(&mut frame, &plan).map(|()| plan));
        record(self, &outcome, frame.len() as u64);
        match outcome {
            Ok(Plan { how, slot, .. }) => (Verdict::Forwarded(how), Some(slot)),
            Err(verdict) => (verdict, None),
        }
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
                self.counters.get_mut().services.remove(id);
                self.cursors.insert(*id, SharedWord::default());
            }
            Change::ResetBackendCounters { slot } => {
                self.counters.get_mut().backends.remove(slot);
            }
            Change::ForgetFlows { slots } => forget_flows(&self.buckets, slots),
            Change::SetSettings(_) | Change::SetBackend { .. } | Change::RemoveService { .. } => {}
        }
        self.observed.follow(change);
        Ok(())
    }

    fn counters(&self, services: &[u32], slots: &[u16]) -> Result<Counters, Infallible> {
        let all = self.counters.borrow();
        Ok(Counters {
            verdicts: all.verdicts,
            services: services.iter().map(|id| (*id, all.services.get(id).copied().unwrap_or_default())).collect(),
            backends: slots.iter().map(|slot| (*slot, all.backends.get(slot).copied().unwrap_or_default())).collect(),
        })
    }

    fn flows(&self) -> FlowCensus {
        let timeouts = self.observed.settings.map_or(Timeouts::DEFAULT, |settings| settings.timeouts);
        FlowCensus::count(&self.buckets, self.now.get(), &timeouts)
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

    fn now(&self) -> Ticks {
        self.now.get()
    }

    fn service(&self, key: &ServiceKey) -> Option<&Service> {
        Some(&self.observed.services.get(key)?.service)
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
}

impl FlowTable for MemoryDataplane {
    type Place<'a> = &'a Entry;

    fn find(&self, settings: &Settings, flow: &Flow) -> Option<(&Entry, FlowRecord)> {
        self.buckets.get(bucket_index(flow.hash, settings.bucket_mask) as usize)?.find(flow.hash)
    }

    fn update(&self, place: &&Entry, current: FlowRecord, new: FlowRecord) {
        place.update(current, new);
    }

    fn remember(&self, settings: &Settings, flow: &Flow, record: FlowRecord) -> bool {
        self.buckets
            .get(bucket_index(flow.hash, settings.bucket_mask) as usize)
            .is_some_and(|bucket| bucket.remember(flow.hash, record, &settings.timeouts))
    }
}

impl tables::Counters for MemoryDataplane {
    fn verdict(&self, number: u32, bytes: u64) {
        self.counters.borrow_mut().verdicts[number as usize].count(bytes);
    }

    fn service(&self, service: u32, count: impl FnOnce(&mut ServiceCounters)) {
        count(self.counters.borrow_mut().services.entry(service).or_default());
    }

    fn backend(&self, slot: u16, count: impl FnOnce(&mut BackendCounters)) {
        count(self.counters.borrow_mut().backends.entry(slot).or_default());
    }
}
