//! What the packet logic may ask of the kernel.

use crate::maps::{BACKEND_COUNTERS, BACKENDS, CURSORS, RINGS, SERVICE_COUNTERS, SERVICES, SETTINGS, VERDICTS};
use aya_ebpf::helpers::bpf_ktime_get_coarse_ns;
use aya_ebpf::maps::PerCpuArray;
use aya_ebpf::programs::XdpContext;
use lb_common::abi::{
    Backend, BackendCounters, RING_CHUNK, Service, ServiceCounters, ServiceKey, Settings, Ticks, ticks,
};
use lb_common::atomic::SharedWord;
use lb_common::tables::{Counters, FlowTable, Tables};

/// The BPF maps, the kernel's clock, and the packet's interface.
pub(crate) struct KernelTables<'a, F> {
    pub(crate) ctx: &'a XdpContext,
    pub(crate) flows: F,
}

impl<F: FlowTable> Tables for KernelTables<'_, F> {
    type Flows = F;

    #[inline(always)]
    fn flows(&self) -> &F {
        &self.flows
    }

    #[inline(always)]
    fn settings(&self) -> Option<&Settings> {
        SETTINGS.get(0)
    }

    #[inline(always)]
    fn ingress(&self) -> u32 {
        self.ctx.ingress_ifindex() as u32
    }

    /// The coarse clock is read without touching the hardware, which is dear in a virtual machine.
    #[inline(always)]
    fn now(&self) -> Ticks {
        // SAFETY: the helper takes nothing and reads a clock.
        ticks(unsafe { bpf_ktime_get_coarse_ns() })
    }

    #[inline(always)]
    fn service(&self, key: &ServiceKey) -> Option<&Service> {
        // SAFETY: the memory stays a service as long as the program runs. When the agent replaces or removes the service, the kernel
        // may give the memory to another one meanwhile: `select` takes no back-end of another service.
        unsafe { SERVICES.get(key) }
    }

    #[inline(always)]
    fn cursor(&self, service: u32) -> Option<&SharedWord> {
        Some(&CURSORS.get(service)?.scheduled)
    }

    #[inline(always)]
    fn ring(&self, position: u32) -> Option<u16> {
        // The mask is what the verifier knows the index by.
        RINGS.get(position / RING_CHUNK as u32)?.get(position as usize & (RING_CHUNK - 1)).copied()
    }

    #[inline(always)]
    fn backend(&self, slot: u16) -> Option<&Backend> {
        BACKENDS.get(u32::from(slot))
    }
}

impl<F> Counters for KernelTables<'_, F> {
    #[inline(always)]
    fn verdict(&self, number: u32, bytes: u64) {
        count(&VERDICTS, number, |tally| tally.count(bytes));
    }

    #[inline(always)]
    fn service(&self, service: u32, update: impl FnOnce(&mut ServiceCounters)) {
        count(&SERVICE_COUNTERS, service, update);
    }

    #[inline(always)]
    fn backend(&self, slot: u16, update: impl FnOnce(&mut BackendCounters)) {
        count(&BACKEND_COUNTERS, u32::from(slot), update);
    }
}

#[inline(always)]
fn count<T>(map: &PerCpuArray<T>, index: u32, update: impl FnOnce(&mut T)) {
    if let Some(value) = map.get_ptr_mut(index) {
        // SAFETY: the value belongs to this CPU alone, and an XDP program is not interrupted by another.
        update(unsafe { &mut *value });
    }
}
