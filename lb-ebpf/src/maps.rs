//! The maps. The agent pins them, so that they outlive it. Layouts: `lb_common::abi`.

use aya_ebpf::bindings::{BPF_F_MMAPABLE, BPF_F_NO_PREALLOC};
use aya_ebpf::macros::map;
use aya_ebpf::maps::{Array, HashMap, PerCpuArray};
use lb_common::abi::{
    Backend, BackendCounters, MAX_BACKENDS, MAX_RING_POSITIONS, MAX_SERVICES, RING_CHUNK, RingChunk, Service,
    ServiceCounters, ServiceKey, Settings, Tally,
};
use lb_common::atomic::SharedWord;
use lb_common::flow_table::Bucket;
use lb_common::verdict::MAX_VERDICTS;

/// What holds for the whole program. Written by the agent.
#[map]
pub(crate) static SETTINGS: Array<Settings> = Array::with_max_entries(1, 0);

/// Services by VIP, port and protocol. Written by the agent; not preallocated, because most balancers have few.
#[map]
pub(crate) static SERVICES: HashMap<ServiceKey, Service> = HashMap::with_max_entries(MAX_SERVICES, BPF_F_NO_PREALLOC);

/// How many new flows each service has scheduled. Written by the program.
#[map]
pub(crate) static CURSORS: Array<Cursor> = Array::with_max_entries(MAX_SERVICES, 0);

/// Rings of all services. Written by the agent, through a memory mapping.
#[map]
pub(crate) static RINGS: Array<RingChunk> =
    Array::with_max_entries(MAX_RING_POSITIONS / RING_CHUNK as u32, BPF_F_MMAPABLE);

/// Back-ends by slot. Written by the agent.
#[map]
pub(crate) static BACKENDS: Array<Backend> = Array::with_max_entries(MAX_BACKENDS, 0);

/// The flow table. Written by the program; the agent maps it to count and to purge. The agent sets its size; mappable, so
/// that it begins at a page, and a bucket is a cache line.
#[map]
pub(crate) static FLOWS: Array<Bucket> = Array::with_max_entries(1 << 18, BPF_F_MMAPABLE);

/// Packets by verdict. Written by the program.
#[map]
pub(crate) static VERDICTS: PerCpuArray<Tally> = PerCpuArray::with_max_entries(MAX_VERDICTS, 0);

/// Packets by service. Written by the program.
#[map]
pub(crate) static SERVICE_COUNTERS: PerCpuArray<ServiceCounters> = PerCpuArray::with_max_entries(MAX_SERVICES, 0);

/// Packets by back-end. Written by the program.
#[map]
pub(crate) static BACKEND_COUNTERS: PerCpuArray<BackendCounters> = PerCpuArray::with_max_entries(MAX_BACKENDS, 0);

/// A counter with a cache line to itself, so that two services do not contend for one.
#[repr(C)]
pub struct Cursor {
    pub(crate) scheduled: SharedWord,
    padding: [u64; 7],
}
