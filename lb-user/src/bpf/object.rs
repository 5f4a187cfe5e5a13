use super::pins::{CLIENTS, FLOWS, KEYS, MapShape, Pins};
use super::{Error, RunTime};
use crate::config::FlowTable;
use aya::maps::{Map, MapData, MapType};
use aya::programs::Xdp;
use aya::{Ebpf, EbpfLoader};
use lb_common::abi::{
    AccessKey, Action, Address, Backend, BackendCounters, FRAGMENT_BUCKETS, Limiter, MAX_ACCESS_PREFIXES, MAX_BACKENDS,
    MAX_LIMITED_SOURCES, MAX_PORT_PREFIXES, MAX_QUIC_CONFIGS, MAX_QUIC_SERVERS, MAX_RING_POSITIONS, MAX_SERVICES,
    PortsKey, QuicKey, QuicServer, QuicServerKey, RING_CHUNK, RingChunk, Service, ServiceCounters, ServiceKey,
    Settings, SourceKey, Tally, TrafficClass, VerdictCounters,
};
use lb_common::flow_table::{Bucket, StoredKey, WAYS};
use lb_common::quic::QuicConfig;
use lb_common::verdict::MAX_VERDICTS;
use std::os::fd::AsFd;

/// The XDP object that this agent was built with.
static EMBEDDED: &[u8] = aya::include_bytes_aligned!(env!("HANDOFF_BPF_OBJECT"));

/// Whether maps outlive the agent.
#[derive(Clone, Copy, Debug)]
pub enum Pinning<'a> {
    /// They are pinned, or adopted from there.
    In(&'a Pins),
    /// They end with the agent: for tests and benchmarks.
    Off,
}

/// Entries of the tables that the configuration sizes: powers of two, four at least.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    /// Flows.
    pub flows: u32,
    /// Clients with affinity.
    pub clients: u32,
    /// Whether the flows' 5-tuples are kept as well.
    pub keys: bool,
}

impl Sizes {
    /// As small as they can be: for a program that remembers nothing.
    pub const LEAST: Self = Self { flows: WAYS as u32, clients: WAYS as u32, keys: false };

    /// Those of the configuration.
    pub fn of(table: &FlowTable) -> Self {
        Self { flows: table.flows, clients: table.clients, keys: table.keys }
    }

    /// Elements of the map of 5-tuples: no map is empty.
    fn key_entries(self) -> u32 {
        if self.keys { self.flows } else { 1 }
    }
}

/// A loaded object: maps made or adopted, the program accepted by the kernel, nothing attached.
pub struct Object {
    ebpf: Ebpf,
    program: &'static str,
}

impl Object {
    /// Loads the embedded object, with tables of these sizes.
    ///
    /// # Errors
    /// When pinned maps are of another shape, or the kernel rejects maps or program.
    pub fn load(sizes: Sizes, pinning: Pinning<'_>) -> Result<Self, Error> {
        Self::load_from(EMBEDDED, "handoff", sizes, pinning)
    }

    /// Loads the program `program` of another object with the same maps.
    ///
    /// # Errors
    /// As [`Object::load`].
    pub fn load_from(object: &[u8], program: &'static str, sizes: Sizes, pinning: Pinning<'_>) -> Result<Self, Error> {
        let mut loader = EbpfLoader::new();
        loader.map_max_entries(FLOWS, sizes.flows / WAYS as u32);
        loader.map_max_entries(CLIENTS, sizes.clients / WAYS as u32);
        loader.map_max_entries(KEYS, sizes.key_entries());
        if let Pinning::In(pins) = pinning {
            for (name, shape) in shapes(sizes) {
                pins.check_map(name, &shape)?;
                loader.map_pin_path(name, pins.map(name));
            }
        }
        let mut object = Self { ebpf: loader.load(object)?, program };
        let program = object.xdp()?;
        program
            .load()
            .map_err(|source| Error::Verifier { name: object.program.to_owned(), source: Box::new(source) })?;
        Ok(object)
    }

    /// The program.
    ///
    /// # Errors
    /// When the object has none of that name.
    pub fn xdp(&mut self) -> Result<&mut Xdp, Error> {
        let missing = Error::Object { kind: "program", name: self.program };
        self.ebpf.program_mut(self.program).and_then(|program| program.try_into().ok()).ok_or(missing)
    }

    /// What the kernel measured of the program.
    pub(super) fn run_time(&self) -> Option<RunTime> {
        let program: &Xdp = self.ebpf.program(self.program)?.try_into().ok()?;
        RunTime::of(program.fd().ok()?.as_fd())
    }

    /// Takes a map out of the object.
    pub(super) fn take(&mut self, name: &'static str) -> Result<Map, Error> {
        self.ebpf.take_map(name).ok_or(Error::Object { kind: "map", name })
    }

    /// Takes an array out of the object, to be mapped into memory.
    pub(super) fn take_array(&mut self, name: &'static str) -> Result<MapData, Error> {
        match self.take(name)? {
            Map::Array(map) => Ok(map),
            _ => Err(Error::Object { kind: "map", name }),
        }
    }
}

/// The maps that are pinned, as the object defines them.
fn shapes(sizes: Sizes) -> [(&'static str, MapShape); 20] {
    const ARRAY: MapType = MapType::Array;
    const PER_CPU: MapType = MapType::PerCpuArray;
    [
        ("SETTINGS", shape::<u32, Settings>(ARRAY, 1)),
        ("SERVICES", shape::<ServiceKey, Service>(MapType::Hash, MAX_SERVICES)),
        ("VIPS", shape::<Address, u32>(MapType::Hash, MAX_SERVICES)),
        ("PORTS", shape::<Prefixed<PortsKey>, u32>(MapType::LpmTrie, MAX_PORT_PREFIXES)),
        ("ACCESS", shape::<Prefixed<AccessKey>, Action>(MapType::LpmTrie, MAX_ACCESS_PREFIXES)),
        ("LIMITERS", shape::<u32, u64>(ARRAY, Limiter::COUNT)),
        ("SOURCES", shape::<SourceKey, u64>(MapType::LruHash, MAX_LIMITED_SOURCES)),
        ("QUIC", shape::<QuicKey, QuicConfig>(MapType::Hash, MAX_QUIC_CONFIGS)),
        ("QUIC_SERVERS", shape::<QuicServerKey, QuicServer>(MapType::Hash, MAX_QUIC_SERVERS)),
        ("CURSORS", shape::<u32, [u64; 8]>(ARRAY, MAX_SERVICES)),
        ("RINGS", shape::<u32, RingChunk>(ARRAY, MAX_RING_POSITIONS / RING_CHUNK as u32)),
        ("BACKENDS", shape::<u32, Backend>(ARRAY, MAX_BACKENDS)),
        (FLOWS, shape::<u32, Bucket>(ARRAY, sizes.flows / WAYS as u32)),
        (KEYS, shape::<u32, StoredKey>(ARRAY, sizes.key_entries())),
        (CLIENTS, shape::<u32, Bucket>(ARRAY, sizes.clients / WAYS as u32)),
        ("FRAGMENTS", shape::<u32, Bucket>(ARRAY, FRAGMENT_BUCKETS)),
        ("FRAMES", shape::<u32, Tally>(PER_CPU, TrafficClass::COUNT)),
        ("VERDICTS", shape::<u32, VerdictCounters>(PER_CPU, MAX_VERDICTS)),
        ("SERVICE_COUNTERS", shape::<u32, ServiceCounters>(PER_CPU, MAX_SERVICES)),
        ("BACKEND_COUNTERS", shape::<u32, BackendCounters>(PER_CPU, MAX_BACKENDS)),
    ]
}

/// Key of a trie: the number of leading bits, then the bits.
#[repr(C)]
struct Prefixed<K> {
    _bits: u32,
    _key: K,
}

fn shape<K, V>(map_type: MapType, max_entries: u32) -> MapShape {
    MapShape {
        map_type: map_type as u32,
        key_size: size_of::<K>() as u32,
        value_size: size_of::<V>() as u32,
        max_entries,
    }
}
