mod backends;
mod limits;
mod live_flows;
mod services;

use super::*;
use crate::dataplane::Dataplane;
use crate::dataplane::memory::MemoryDataplane;
use lb_common::abi::{
    Address, Backend, BackendState, Device, MAX_DEVICES, Scheduler, ServiceKey, Settings, TICK_BITS, Ticks, Timeouts,
    VipFilter,
};
use lb_common::wire::{Be16, Mac, protocol};
use std::collections::{BTreeMap, BTreeSet};

const BALANCER: Mac = Mac::new([2, 0, 0, 0, 0, 1]);
const GRACE: Ticks = 20;

/// A data plane that is led through desired states.
struct World {
    dataplane: MemoryDataplane,
    rings: RingSpace,
}

impl World {
    fn new() -> Self {
        Self { dataplane: MemoryDataplane::new(1 << 14), rings: RingSpace::default() }
    }

    fn observed(&self) -> Observed {
        let Ok(observed) = self.dataplane.observe();
        observed
    }

    fn now(&self) -> Ticks {
        self.dataplane.now.get()
    }

    fn wait(&self, ticks: Ticks) {
        self.dataplane.now.set((self.now() + ticks) % (1 << TICK_BITS));
    }

    fn plan(&mut self, desired: &Desired) -> Result<Vec<Change>, Full> {
        let now = self.now();
        plan(desired, &self.observed(), &mut self.rings, now)
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
}

/// The state with these services and their back-ends.
fn desired(services: impl IntoIterator<Item = (u32, Vec<DesiredBackend>)>) -> Desired {
    let mut state = Desired { settings: settings(), services: BTreeMap::new(), removal_grace: GRACE };
    for (service, backends) in services {
        state.settings.vips.insert(u32::from_ne_bytes(vip(service)));
        state.services.insert(key(service), DesiredService { scheduler: Scheduler::ROUND_ROBIN, backends });
    }
    state
}

fn settings() -> Settings {
    let mut devices = [Device::default(); MAX_DEVICES];
    devices[0] = Device { ifindex: 1, mac: BALANCER, padding: [0; 2] };
    Settings {
        flow_secret: [1, 2],
        bucket_mask: (1 << 14) - 1,
        device_count: 1,
        devices,
        timeouts: Timeouts::DEFAULT,
        vips: VipFilter::EMPTY,
    }
}

fn key(service: u32) -> ServiceKey {
    let address = Address::from_v4(vip(service));
    ServiceKey { address, port: Be16::new(443), protocol: protocol::TCP, padding: 0 }
}

fn vip(service: u32) -> [u8; 4] {
    (0xc000_0200 + service).to_be_bytes()
}

fn address(backend: u32) -> Address {
    Address::from_v4((0x0a00_0000 + backend).to_be_bytes())
}

fn hop(backend: u32) -> NextHop {
    let [_, a, b, c] = backend.to_be_bytes();
    NextHop { ifindex: 2, mac: Mac::new([2, 0, 1, a, b, c]), source_mac: BALANCER }
}

/// A back-end with a way to it.
fn ready(backend: u32) -> DesiredBackend {
    DesiredBackend { address: address(backend), next_hop: Some(hop(backend)) }
}

/// A back-end that the network knows no way to.
fn unresolved(backend: u32) -> DesiredBackend {
    DesiredBackend { address: address(backend), next_hop: None }
}

/// The entry of a back-end in use.
fn active(service: u32, backend: u32, generation: u16) -> Backend {
    let NextHop { ifindex, mac, source_mac } = hop(backend);
    Backend {
        address: address(backend),
        service,
        ifindex,
        mac,
        source_mac,
        generation,
        state: BackendState::ACTIVE,
        ..Backend::FREE
    }
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
