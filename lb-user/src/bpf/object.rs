use super::Error;
use super::pins::{FLOWS, MapShape, Pins};
use aya::maps::{Map, MapData, MapType};
use aya::programs::Xdp;
use aya::{Ebpf, EbpfLoader};
use lb_common::abi::{
    Backend, BackendCounters, MAX_BACKENDS, MAX_RING_POSITIONS, MAX_SERVICES, RING_CHUNK, RingChunk, Service,
    ServiceCounters, ServiceKey, Settings, Tally,
};
use lb_common::flow_table::{Bucket, WAYS};
use lb_common::verdict::MAX_VERDICTS;

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

/// A loaded object: maps made or adopted, the program accepted by the kernel, nothing attached.
pub struct Object {
    ebpf: Ebpf,
    program: &'static str,
}

impl Object {
    /// Loads the embedded object, with room for `flows` flows.
    ///
    /// # Errors
    /// When pinned maps are of another shape, or the kernel rejects maps or program.
    pub fn load(flows: u32, pinning: Pinning<'_>) -> Result<Self, Error> {
        Self::load_from(EMBEDDED, "handoff", flows, pinning)
    }

    /// Loads the program `program` of another object with the same maps.
    ///
    /// # Errors
    /// As [`Object::load`].
    pub fn load_from(object: &[u8], program: &'static str, flows: u32, pinning: Pinning<'_>) -> Result<Self, Error> {
        let buckets = flows / WAYS as u32;
        let mut loader = EbpfLoader::new();
        loader.map_max_entries(FLOWS, buckets);
        if let Pinning::In(pins) = pinning {
            for (name, shape) in shapes(buckets) {
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
fn shapes(buckets: u32) -> [(&'static str, MapShape); 9] {
    const ARRAY: MapType = MapType::Array;
    const PER_CPU: MapType = MapType::PerCpuArray;
    [
        ("SETTINGS", shape::<u32, Settings>(ARRAY, 1)),
        ("SERVICES", shape::<ServiceKey, Service>(MapType::Hash, MAX_SERVICES)),
        ("CURSORS", shape::<u32, [u64; 8]>(ARRAY, MAX_SERVICES)),
        ("RINGS", shape::<u32, RingChunk>(ARRAY, MAX_RING_POSITIONS / RING_CHUNK as u32)),
        ("BACKENDS", shape::<u32, Backend>(ARRAY, MAX_BACKENDS)),
        (FLOWS, shape::<u32, Bucket>(ARRAY, buckets)),
        ("VERDICTS", shape::<u32, Tally>(PER_CPU, MAX_VERDICTS)),
        ("SERVICE_COUNTERS", shape::<u32, ServiceCounters>(PER_CPU, MAX_SERVICES)),
        ("BACKEND_COUNTERS", shape::<u32, BackendCounters>(PER_CPU, MAX_BACKENDS)),
    ]
}

fn shape<K, V>(map_type: MapType, max_entries: u32) -> MapShape {
    MapShape {
        map_type: map_type as u32,
        key_size: size_of::<K>() as u32,
        value_size: size_of::<V>() as u32,
        max_entries,
    }
}
