//! What the packet logic may ask of the kernel.

use crate::global::{self, remember_briefly};
use crate::maps::{
    ACCESS, BACKEND_COUNTERS, BACKENDS, CLIENTS, CURSORS, FRAGMENTS, FRAMES, LIMITERS, PORTS, QUIC, QUIC_SERVERS,
    RINGS, SERVICE_COUNTERS, SERVICES, SETTINGS, SOURCES, VERDICTS, VIPS,
};
use crate::program::Flows;
use crate::samples;
use aya_ebpf::bindings::BPF_NOEXIST;
use aya_ebpf::helpers::bpf_ktime_get_coarse_ns;
use aya_ebpf::maps::PerCpuArray;
use aya_ebpf::maps::lpm_trie::Key;
use aya_ebpf::programs::XdpContext;
use core::ptr;
use lb_common::abi::{
    AccessKey, Action, Address, Backend, BackendCounters, FRAGMENT_BUCKETS, Limiter, PortsKey, QuicKey, QuicServer,
    QuicServerKey, RING_CHUNK, Service, ServiceCounters, ServiceKey, Settings, SourceKey, Ticks, TrafficClass,
};
use lb_common::atomic::SharedWord;
use lb_common::datapath::{Calls, Carried, Chain, Finding, Plan, Reading};
use lb_common::flow_table::{FlowRecord, bucket_index};
use lb_common::frame::Frame;
use lb_common::quic::QuicConfig;
use lb_common::tables::{Buffer, Counters, FlowTable, Tables};
use lb_common::verdict::Verdict;
use lb_common::wire::Be16;

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
    fn now(&self) -> u64 {
        // SAFETY: the helper takes nothing and reads a clock.
        unsafe { bpf_ktime_get_coarse_ns() }
    }

    #[inline(always)]
    fn service(&self, key: &ServiceKey) -> Option<&Service> {
        // SAFETY: the memory stays a service as long as the program runs. When the agent replaces or removes the service, the kernel
        // may give the memory to another one meanwhile: `select` takes no back-end of another service.
        unsafe { SERVICES.get(key) }
    }

    #[inline(always)]
    fn is_vip(&self, address: &Address) -> bool {
        // SAFETY: the value is not looked at.
        unsafe { VIPS.get(address) }.is_some()
    }

    #[inline(always)]
    fn ports(&self, key: &PortsKey) -> Option<Be16> {
        let first = *PORTS.get(Key::new(PortsKey::BITS, *key))?;
        Some(Be16::from_raw(first as u16))
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

    #[inline(always)]
    fn access(&self, key: &AccessKey) -> Option<Action> {
        ACCESS.get(Key::new(AccessKey::BITS, *key)).copied()
    }

    #[inline(always)]
    fn limiter(&self, limiter: Limiter) -> Option<&SharedWord> {
        LIMITERS.get(limiter.index())
    }

    #[inline(always)]
    fn source_limiter(&self, key: &SourceKey, admit: impl FnOnce(&SharedWord) -> bool) -> Option<bool> {
        // SAFETY: the value is a word that is only read and written whole. The kernel may give its place to another source meanwhile:
        // then this packet counts for that one.
        unsafe {
            if SOURCES.get(key).is_none() {
                // Another CPU may have been quicker, which is as good.
                let _ = SOURCES.insert(key, SharedWord::new(0), u64::from(BPF_NOEXIST));
            }
            SOURCES.get(key).map(admit)
        }
    }

    #[inline(always)]
    fn quic(&self, key: &QuicKey) -> Option<&QuicConfig> {
        // SAFETY: as in `service`. What is read while the agent replaces it names a server that does not exist.
        unsafe { QUIC.get(key) }
    }

    #[inline(always)]
    fn quic_server(&self, key: &QuicServerKey) -> Option<QuicServer> {
        // Older kernels take keys on the stack, in a packet or in a map, not where an argument of a global function points to.
        // SAFETY: a reference is read; volatile, or the compiler sees that it could as well do without the copy.
        let key = unsafe { ptr::read_volatile(key) };
        // SAFETY: as in `service`; the generation tells whether the slot is still that server's.
        unsafe { QUIC_SERVERS.get(&key) }.copied()
    }

    #[inline(always)]
    fn client(&self, settings: &Settings, hash: u64) -> Option<FlowRecord> {
        let bucket = CLIENTS.get(bucket_index(hash, settings.client_mask))?;
        bucket.find(hash).map(|(_, record)| record)
    }

    #[inline(always)]
    fn remember_client(&self, settings: &Settings, hash: u64, record: FlowRecord, lifetime: Ticks) {
        if let Some(bucket) = CLIENTS.get(bucket_index(hash, settings.client_mask)) {
            remember_briefly(bucket, hash, record.bits(), lifetime);
        }
    }

    #[inline(always)]
    fn fragment(&self, hash: u64) -> Option<FlowRecord> {
        let bucket = FRAGMENTS.get(bucket_index(hash, FRAGMENT_BUCKETS - 1))?;
        bucket.find(hash).map(|(_, record)| record)
    }

    #[inline(always)]
    fn remember_fragment(&self, hash: u64, record: FlowRecord, lifetime: Ticks) {
        if let Some(bucket) = FRAGMENTS.get(bucket_index(hash, FRAGMENT_BUCKETS - 1)) {
            remember_briefly(bucket, hash, record.bits(), lifetime);
        }
    }
}

impl<F: Flows> Calls for KernelTables<'_, F> {
    #[inline(always)]
    fn count_frame(&self, _: &Frame<'_>) -> u64 {
        global::count_frame(self.ctx.ctx).into()
    }

    #[inline(always)]
    fn sample(&self, _: &Frame<'_>, count: u64, found: &Result<Plan<'_>, Verdict>) {
        samples::take(self.ctx, count, found);
    }

    #[inline(always)]
    fn read(&self, _: &Frame<'_>, reading: &mut Reading, finding: &mut Finding) -> bool {
        global::read(self.ctx.ctx, reading, finding) != 0
    }

    #[inline(always)]
    fn skip_extensions(&self, _: &Frame<'_>, chain: &mut Chain) -> bool {
        global::skip_extensions(self.ctx.ctx, chain) != 0
    }

    #[inline(always)]
    fn read_quic(&self, _: &Frame<'_>, reading: &mut Reading) {
        if F::READS_QUIC {
            global::read_quic(self.ctx.ctx, reading);
        }
    }

    #[inline(always)]
    fn consider(&self, reading: &Reading, finding: &mut Finding) -> bool {
        F::consider(reading, finding)
    }

    #[inline(always)]
    fn carry<B: Buffer>(&self, _: &mut B, plan: &Plan<'_>) -> Carried {
        Carried(global::carry(self.ctx.ctx, plan.backend, plan.hash, plan.network.into()))
    }

    #[inline(always)]
    fn too_big<B: Buffer>(&self, _: &mut B, plan: &Plan<'_>) -> bool {
        global::too_big(self.ctx.ctx, plan.backend, plan.network.into()) != 0
    }

    #[inline(always)]
    fn reply<B: Buffer>(&self, _: &mut B) -> bool {
        global::reply(self.ctx.ctx) != 0
    }
}

impl<F> Counters for KernelTables<'_, F> {
    #[inline(always)]
    fn count_class(&self, class: TrafficClass, bytes: u64) -> u64 {
        let mut packets = 0;
        count(&FRAMES, class.index(), |tally| {
            tally.count(bytes);
            packets = tally.packets;
        });
        packets
    }

    #[inline(always)]
    fn count_verdict(&self, number: u32, bytes: u64) {
        count(&VERDICTS, number, |verdict| verdict.count(bytes));
    }

    #[inline(always)]
    fn count_service(&self, service: u32, update: impl FnOnce(&mut ServiceCounters)) {
        count(&SERVICE_COUNTERS, service, update);
    }

    #[inline(always)]
    fn count_backend(&self, slot: u16, update: impl FnOnce(&mut BackendCounters)) {
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
