//! The maps. The agent pins them, so that they outlive it. Layouts: `lb_common::abi`.

use crate::capture::Begun;
use crate::samples::BegunSample;
use aya_ebpf::bindings::{BPF_F_MMAPABLE, BPF_F_NO_PREALLOC};
use aya_ebpf::macros::map;
use aya_ebpf::maps::{Array, HashMap, LpmTrie, LruHashMap, PerCpuArray, RingBuf};
use lb_common::abi::{
    AccessKey, Action, Address, Backend, BackendCounters, CAPTURE_READERS, CaptureFilter, FRAGMENT_BUCKETS, Limiter,
    MAX_ACCESS_PREFIXES, MAX_BACKENDS, MAX_LIMITED_SOURCES, MAX_PORT_PREFIXES, MAX_QUIC_CONFIGS, MAX_QUIC_SERVERS,
    MAX_RING_POSITIONS, MAX_SERVICES, PortsKey, QuicKey, QuicServer, QuicServerKey, RING_CHUNK, RingChunk, Sampling,
    Service, ServiceCounters, ServiceKey, Settings, SourceKey, Tally, TrafficClass, VerdictCounters,
};
use lb_common::atomic::SharedWord;
use lb_common::flow_table::{Bucket, StoredKey};
use lb_common::quic::QuicConfig;
use lb_common::verdict::MAX_VERDICTS;

/// What holds for the whole program. Written by the agent.
#[map]
pub(crate) static SETTINGS: Array<Settings> = Array::with_max_entries(1, 0);

/// Services by VIP, port and protocol. Written by the agent; not preallocated, because most balancers have few.
#[map]
pub(crate) static SERVICES: HashMap<ServiceKey, Service> = HashMap::with_max_entries(MAX_SERVICES, BPF_F_NO_PREALLOC);

/// Addresses of all services. Written by the agent.
#[map]
pub(crate) static VIPS: HashMap<Address, u32> = HashMap::with_max_entries(MAX_SERVICES, BPF_F_NO_PREALLOC);

/// Services with several ports: from a port to the first port of its service. Written by the agent.
#[map]
pub(crate) static PORTS: LpmTrie<PortsKey, u32> = LpmTrie::with_max_entries(MAX_PORT_PREFIXES, BPF_F_NO_PREALLOC);

/// Access lists of all services. Written by the agent.
#[map]
pub(crate) static ACCESS: LpmTrie<AccessKey, Action> =
    LpmTrie::with_max_entries(MAX_ACCESS_PREFIXES, BPF_F_NO_PREALLOC);

/// How QUIC connection IDs name servers. Written by the agent; holds keys.
#[map]
pub(crate) static QUIC: HashMap<QuicKey, QuicConfig> = HashMap::with_max_entries(MAX_QUIC_CONFIGS, BPF_F_NO_PREALLOC);

/// The servers that QUIC connection IDs name. Written by the agent.
#[map]
pub(crate) static QUIC_SERVERS: HashMap<QuicServerKey, QuicServer> =
    HashMap::with_max_entries(MAX_QUIC_SERVERS, BPF_F_NO_PREALLOC);

/// Rate limits. Written by the program.
#[map]
pub(crate) static LIMITERS: Array<SharedWord> = Array::with_max_entries(Limiter::COUNT, 0);

/// Rate limits of sources. Written by the program.
#[map]
pub(crate) static SOURCES: LruHashMap<SourceKey, SharedWord> = LruHashMap::with_max_entries(MAX_LIMITED_SOURCES, 0);

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

/// Whose flows those are, by bucket and entry. Written by the program, and read by nobody but the agent, which sets its size: one element
/// when nobody wants to know.
#[map]
pub(crate) static KEYS: Array<StoredKey> = Array::with_max_entries(1 << 20, BPF_F_MMAPABLE);

/// Clients with affinity: a table like that of flows. Written by the program; the agent sets its size.
#[map]
pub(crate) static CLIENTS: Array<Bucket> = Array::with_max_entries(1 << 14, BPF_F_MMAPABLE);

/// Packets in pieces: a table like that of flows. Written by the program.
#[map]
pub(crate) static FRAGMENTS: Array<Bucket> = Array::with_max_entries(FRAGMENT_BUCKETS, BPF_F_MMAPABLE);

/// Packets by verdict and size. Written by the program.
#[map]
pub(crate) static VERDICTS: PerCpuArray<VerdictCounters> = PerCpuArray::with_max_entries(MAX_VERDICTS, 0);

/// Packets by service. Written by the program.
#[map]
pub(crate) static SERVICE_COUNTERS: PerCpuArray<ServiceCounters> = PerCpuArray::with_max_entries(MAX_SERVICES, 0);

/// Packets by back-end. Written by the program.
#[map]
pub(crate) static BACKEND_COUNTERS: PerCpuArray<BackendCounters> = PerCpuArray::with_max_entries(MAX_BACKENDS, 0);

/// Frames by what kind of frame they are. Written by the program.
#[map]
pub(crate) static FRAMES: PerCpuArray<Tally> = PerCpuArray::with_max_entries(TrafficClass::COUNT, 0);

/// The readers that have a filter, as bits. Written by the agent. This map and the next four end with the program: whoever captures is gone
/// by then.
#[map]
pub(crate) static CAPTURE_READERS_ON: Array<u32> = Array::with_max_entries(1, 0);

/// Which packets leave a record in `CAPTURE`, by reader. Written by the agent.
#[map]
pub(crate) static CAPTURE_FILTERS: Array<CaptureFilter> = Array::with_max_entries(CAPTURE_READERS as u32, 0);

/// The record that each CPU is making.
#[map]
pub(crate) static CAPTURE_BEGUN: PerCpuArray<Begun> = PerCpuArray::with_max_entries(1, 0);

/// How many records each reader had. Written by the program; the agent begins anew.
#[map]
pub(crate) static CAPTURE_STATE: Array<RecordState> = Array::with_max_entries(CAPTURE_READERS as u32, 0);

/// Records of packets, 10,000 of them with 128 bytes each from before and after. Written by the program, read by the agent.
#[map]
pub(crate) static CAPTURE: RingBuf = RingBuf::with_byte_size(1 << 22, 0);

/// Which packets are sampled. Written by the agent. This map and the next three end with the program as well.
#[map]
pub(crate) static SAMPLING: Array<Sampling> = Array::with_max_entries(1, 0);

/// The sample that each CPU is taking.
#[map]
pub(crate) static SAMPLE_BEGUN: PerCpuArray<BegunSample> = PerCpuArray::with_max_entries(1, 0);

/// How many samples there were. Written by the program.
#[map]
pub(crate) static SAMPLE_STATE: Array<RecordState> = Array::with_max_entries(1, 0);

/// Samples of packets. Written by the program, read by the agent.
#[map]
pub(crate) static SAMPLES: RingBuf = RingBuf::with_byte_size(1 << 19, 0);

/// What limits records, and counts those that were not made.
#[repr(C)]
pub struct RecordState {
    pub(crate) limiter: SharedWord,
    pub(crate) missed: SharedWord,
}

/// A counter with a cache line to itself, so that two services do not contend for one.
#[repr(C)]
pub struct Cursor {
    pub(crate) scheduled: SharedWord,
    padding: [u64; 7],
}
