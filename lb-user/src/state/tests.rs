mod access;
mod backends;
mod limits;
mod live_flows;
mod load;
mod quic;
mod services;

use super::*;
use crate::dataplane::Dataplane;
use crate::dataplane::memory::MemoryDataplane;
use crate::schedule::Ramp;
use lb_common::abi::{
    AccessList, Address, AffinityReset, Backend, BackendState, Device, Forwarding, MAX_DEVICES, Outer, Scheduler,
    Service, ServiceFlags, ServiceKey, ServiceKind, Settings, TICK_BITS, Tags, Ticks, TimeoutClass, Timeouts,
    VipFilter,
};
use lb_common::wire::{Be16, Mac, protocol};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

const BALANCER: Mac = Mac::new([2, 0, 0, 0, 0, 1]);
const GRACE: Ticks = 20;

/// A service that says nothing but what it must.
const ENTRY: Service = Service {
    id: 0,
    scheduler: Scheduler::ROUND_ROBIN,
    ring_start: 0,
    ring_len: 0,
    consistent_start: 0,
    consistent_len: 0,
    flags: ServiceFlags::NONE,
    access: AccessList([0; 2]),
    new_flow_rate: 0,
    source_rate: 0,
    flood_rate: 0,
    affinity_window: 0,
    affinity_reset: AffinityReset::EPOCH,
    timeouts: TimeoutClass::DEFAULT,
    padding: 0,
    affinity_prefix: [128; 2],
    source_prefix: [128, 64],
};

/// A data plane that is led through desired states.
struct World {
    dataplane: MemoryDataplane,
    memory: Memory,
    load: Load,
}

impl World {
    fn new() -> Self {
        Self { dataplane: MemoryDataplane::new(1 << 14), memory: Memory::default(), load: Load::default() }
    }

    fn observed(&self) -> Observed {
        let Ok(observed) = self.dataplane.observe();
        observed
    }

    fn now(&self) -> Ticks {
        self.dataplane.now()
    }

    fn wait(&self, ticks: Ticks) {
        self.dataplane.wait(ticks);
    }

    fn plan(&mut self, desired: &Desired) -> Result<Vec<Change>, Full> {
        let now = self.now();
        plan(desired, &self.observed(), &self.load, &mut self.memory, now).complete()
    }

    fn make(&mut self, change: &Change) {
        let Ok(()) = self.dataplane.apply(change);
    }

    /// Leads to the desired state; the changes that it took. After them, nothing must be left to do.
    fn follow(&mut self, desired: &Desired) -> Vec<Change> {
        let changes = self.plan(desired).expect("there is room");
        for change in &changes {
            self.make(change);
        }
        assert_eq!(self.plan(desired), Ok(Vec::new()), "after {changes:?}");
        changes
    }

    fn service(&self, service: u32) -> ObservedService {
        self.observed().services[&key(service)].clone()
    }

    fn backend(&self, slot: u16) -> Backend {
        self.observed().backends[&slot]
    }

    /// The change to what the service is now.
    fn set_service(&self, service: u32) -> Change {
        Change::SetService { key: key(service), service: self.service(service) }
    }
}

/// The state with these services and their back-ends.
fn desired(services: impl IntoIterator<Item = (u32, Vec<DesiredBackend>)>) -> Desired {
    desired_services(services.into_iter().map(|(service, backends)| (service, serving(backends))))
}

/// The state with these services.
fn desired_services(services: impl IntoIterator<Item = (u32, DesiredService)>) -> Desired {
    let mut state = Desired { settings: settings(), services: BTreeMap::new(), removal_grace: GRACE };
    for (number, service) in services {
        state.settings.vips.insert(vip(number));
        state.services.insert(key(number), service);
    }
    state
}

/// A service that these back-ends take turns in.
fn serving(backends: Vec<DesiredBackend>) -> DesiredService {
    DesiredService { entry: ENTRY, ports: Vec::new(), access: None, quic: Vec::new(), max_load: None, backends }
}

fn settings() -> Settings {
    let mut devices = [Device::default(); MAX_DEVICES];
    devices[0] = Device { ifindex: 1, mac: BALANCER, padding: [0; 2] };
    Settings {
        flow_secret: [1, 2],
        bucket_mask: (1 << 14) - 1,
        client_mask: (1 << 10) - 1,
        echo_rate: 0,
        too_big_rate: 0,
        has_ranges: 0,
        has_quic: 0,
        device_count: 1,
        devices,
        timeouts: Timeouts::DEFAULT,
        vips: VipFilter::EMPTY,
    }
}

fn key(service: u32) -> ServiceKey {
    ServiceKey { address: vip(service), port: Be16::new(443), protocol: protocol::TCP, kind: ServiceKind::PORT }
}

fn vip(service: u32) -> Address {
    Address::from_v4((0xc000_0200 + service).to_be_bytes())
}

fn address(backend: u32) -> Address {
    Address::from_v4((0x0a00_0000 + backend).to_be_bytes())
}

fn delivery(backend: u32) -> Delivery {
    let [_, a, b, c] = backend.to_be_bytes();
    Delivery {
        ifindex: 2,
        mac: Mac::new([2, 0, 1, a, b, c]),
        source_mac: BALANCER,
        tags: Tags::KEEP,
        forwarding: Forwarding::L2_DSR,
        max_len: 1500,
        outer: Outer::NONE,
    }
}

/// A back-end with a way to it.
fn ready(backend: u32) -> DesiredBackend {
    DesiredBackend {
        address: address(backend),
        weight: 1,
        ramp: Ramp::FULL,
        takes: Takes::AllFlows,
        delivery: Some(delivery(backend)),
    }
}

/// A back-end that the network knows no way to.
fn unresolved(backend: u32) -> DesiredBackend {
    DesiredBackend { delivery: None, ..ready(backend) }
}

/// The entry of a back-end in use.
fn active(service: u32, backend: u32, generation: u16) -> Backend {
    let Delivery { ifindex, mac, source_mac, tags, forwarding, max_len, outer } = delivery(backend);
    Backend {
        address: address(backend),
        service,
        ifindex,
        mac,
        source_mac,
        generation,
        state: BackendState::ACTIVE,
        forwarding,
        tags,
        max_len,
        outer,
        ..Backend::FREE
    }
}

/// The entry of a back-end in use that gets no new flows, not even for affinity's sake.
fn overloaded(service: u32, backend: u32) -> Backend {
    Backend { is_overloaded: 1, ..active(service, backend, 0) }
}

fn leaving(service: u32, backend: u32, leaving_since: Ticks) -> Backend {
    Backend { state: BackendState::LEAVING, leaving_since, ..active(service, backend, 0) }
}

fn freed(generation: u16) -> Backend {
    Backend { generation, ..Backend::FREE }
}

fn set(slot: u16, backend: Backend) -> Change {
    Change::SetBackend { slot, backend }
}

fn set_settings(state: &Desired) -> Change {
    Change::SetSettings(Box::new(state.settings))
}

fn forget(slots: impl Into<BTreeSet<u16>>) -> Change {
    Change::ForgetFlows { slots: slots.into() }
}
