//! The XDP program with the kernel's LRU hash map for a flow table, to measure ours against.

use aya_ebpf::macros::{map, xdp};
use aya_ebpf::maps::LruHashMap;
use aya_ebpf::programs::XdpContext;
use lb_common::abi::Settings;
use lb_common::atomic::SharedWord;
use lb_common::datapath::{Finding, Reading};
use lb_common::flow::{FlowKey, Ports};
use lb_common::flow_table::FlowRecord;
use lb_common::tables::{Flow, FlowTable};
use lb_ebpf::program::{self, Flows};

#[map]
static LRU: LruHashMap<Key, SharedWord> = LruHashMap::with_max_entries(1 << 20, 0);

#[xdp]
fn handoff_lru(ctx: XdpContext) -> u32 {
    program::balance::<Lru>(&ctx)
}

/// An IPv4 flow: the benchmark has no others, and a key of 40 bytes would make the map slower than it is.
#[repr(C)]
struct Key {
    source: u32,
    destination: u32,
    ports: Ports,
    protocol: u32,
}

impl Key {
    #[inline(always)]
    fn of(flow: &Flow) -> Self {
        let FlowKey { source, destination, ports, protocol } = flow.key;
        Self { source: source.words()[3], destination: destination.words()[3], ports, protocol }
    }
}

struct Lru;

impl FlowTable for Lru {
    type Place<'a> = &'a SharedWord;

    #[inline(always)]
    fn find(&self, _: &Settings, flow: &Flow) -> Option<(&SharedWord, FlowRecord)> {
        // SAFETY: the value is a word that is only read and written whole.
        let word = unsafe { LRU.get(&Key::of(flow)) }?;
        Some((word, FlowRecord::from_bits(word.load())))
    }

    #[inline(always)]
    fn update(&self, place: &&SharedWord, _: FlowRecord, new: FlowRecord) {
        place.store(new.bits());
    }

    #[inline(always)]
    fn remember(&self, _: &Settings, flow: &Flow, record: FlowRecord) -> bool {
        LRU.insert(&Key::of(flow), &SharedWord::new(record.bits()), 0).is_ok()
    }
}

impl Flows for Lru {
    const NEW: Self = Self;
    const READS_QUIC: bool = false;

    #[inline(always)]
    fn consider(reading: &Reading, finding: &mut Finding) -> bool {
        consider_lru(reading, finding) != 0
    }
}

/// As the program's own, with this flow table.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn consider_lru(reading: *const Reading, finding: *mut Finding) -> u32 {
    // SAFETY: the verifier makes sure that what is not null is memory of that size, here the caller's variables.
    match unsafe { (reading.as_ref(), finding.as_mut()) } {
        (Some(reading), Some(finding)) => program::consider::<Lru>(reading, finding).into(),
        _ => 0,
    }
}
