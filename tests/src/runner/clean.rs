//! Maps as they were when they were new. The kernel takes far longer to verify the program than to run a vector, so vectors share a program,
//! one after the other.

use anyhow::{Context, Result};
use aya::maps::lpm_trie::LpmTrie;
use aya::maps::{Array, HashMap, Map, MapData, PerCpuArray, PerCpuValues};
use aya::util::nr_cpus;
use lb_common::abi::{
    AccessKey, Action, Address, Backend, BackendCounters, PortsKey, QuicKey, QuicServer, QuicServerKey, Service,
    ServiceCounters, ServiceKey, Settings, SourceKey, Tally, VerdictCounters,
};
use lb_common::flow_table::{Bucket, StoredKey};
use lb_common::quic::QuicConfig;

/// Empties a map.
type Clean = fn(MapData) -> Result<()>;

/// How each map of the program becomes as good as new.
const MAPS: [(&str, Clean); 30] = [
    ("SETTINGS", array::<{ size_of::<Settings>() }>),
    ("SERVICES", hash::<{ size_of::<ServiceKey>() }, { size_of::<Service>() }>),
    ("VIPS", hash::<{ size_of::<Address>() }, { size_of::<u32>() }>),
    ("PORTS", trie::<{ size_of::<PortsKey>() }, { size_of::<u32>() }>),
    ("ACCESS", trie::<{ size_of::<AccessKey>() }, { size_of::<Action>() }>),
    ("QUIC", hash::<{ size_of::<QuicKey>() }, { size_of::<QuicConfig>() }>),
    ("QUIC_SERVERS", hash::<{ size_of::<QuicServerKey>() }, { size_of::<QuicServer>() }>),
    ("LIMITERS", array::<{ size_of::<u64>() }>),
    ("SOURCES", hash::<{ size_of::<SourceKey>() }, { size_of::<u64>() }>),
    ("CURSORS", array::<{ size_of::<[u64; 8]>() }>),
    // Nobody looks at what no service names.
    ("RINGS", leave),
    ("BACKENDS", array::<{ size_of::<Backend>() }>),
    ("FLOWS", array::<{ size_of::<Bucket>() }>),
    ("KEYS", array::<{ size_of::<StoredKey>() }>),
    ("CLIENTS", array::<{ size_of::<Bucket>() }>),
    ("FRAGMENTS", array::<{ size_of::<Bucket>() }>),
    ("VERDICTS", per_cpu::<{ size_of::<VerdictCounters>() }>),
    ("SERVICE_COUNTERS", per_cpu::<{ size_of::<ServiceCounters>() }>),
    ("BACKEND_COUNTERS", per_cpu::<{ size_of::<BackendCounters>() }>),
    ("FRAMES", per_cpu::<{ size_of::<Tally>() }>),
    // Nobody captures or samples in a vector.
    ("CAPTURE_READERS_ON", leave),
    ("CAPTURE_FILTERS", leave),
    ("CAPTURE_BEGUN", leave),
    ("CAPTURE_STATE", leave),
    ("CAPTURE", leave),
    ("SAMPLING", leave),
    ("SAMPLE_BEGUN", leave),
    ("SAMPLE_STATE", leave),
    ("SAMPLES", leave),
    // Constants.
    (".rodata", leave),
];

/// The kernel keeps so much of a map's name.
const NAME: usize = 15;

/// Makes the map with this number as good as new.
///
/// # Errors
/// When it is none of the program's, or of another kind than it was.
pub(super) fn clean(id: u32) -> Result<()> {
    let map = MapData::from_id(id)?;
    let info = map.info()?;
    let name = info.name_as_str().unwrap_or_default();
    let found = MAPS.iter().find(|(known, _)| &known[..known.len().min(NAME)] == name);
    let (_, clean) = found.with_context(|| format!("the program has a map {name} that is not known here"))?;
    clean(map).with_context(|| format!("cannot clean the map {name}"))
}

fn array<const V: usize>(map: MapData) -> Result<()> {
    let len = map.info()?.max_entries();
    let mut array: Array<_, [u8; V]> = Map::Array(map).try_into()?;
    for index in 0..len {
        array.set(index, [0; V], 0)?;
    }
    Ok(())
}

fn per_cpu<const V: usize>(map: MapData) -> Result<()> {
    let len = map.info()?.max_entries();
    let cpus = nr_cpus().map_err(|(_, error)| error).context("how many CPUs are there?")?;
    let mut array: PerCpuArray<_, [u8; V]> = Map::PerCpuArray(map).try_into()?;
    for index in 0..len {
        array.set(index, PerCpuValues::try_from(vec![[0; V]; cpus])?, 0)?;
    }
    Ok(())
}

fn hash<const K: usize, const V: usize>(map: MapData) -> Result<()> {
    let mut hash: HashMap<_, [u8; K], [u8; V]> = Map::HashMap(map).try_into()?;
    let keys: Vec<_> = hash.keys().collect::<Result<_, _>>()?;
    for key in &keys {
        hash.remove(key)?;
    }
    Ok(())
}

fn trie<const K: usize, const V: usize>(map: MapData) -> Result<()> {
    let mut trie: LpmTrie<_, [u8; K], [u8; V]> = Map::LpmTrie(map).try_into()?;
    let keys: Vec<_> = trie.keys().collect::<Result<_, _>>()?;
    for key in &keys {
        trie.remove(key)?;
    }
    Ok(())
}

fn leave(_: MapData) -> Result<()> {
    Ok(())
}
