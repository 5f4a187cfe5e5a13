//! The XDP program with the kernel's LRU hash map for a flow table, to measure ours against.

use aya_ebpf::macros::{map, xdp};
use aya_ebpf::maps::LruHashMap;
use aya_ebpf::programs::XdpContext;
use lb_common::abi::Settings;
use lb_common::atomic::SharedWord;
use lb_common::flow::FlowKey;
use lb_common::flow_table::FlowRecord;
use lb_common::tables::{Flow, FlowTable};
use lb_ebpf::program;

#[map]
static LRU: LruHashMap<FlowKey, SharedWord> = LruHashMap::with_max_entries(1 << 20, 0);

#[xdp]
fn handoff_lru(ctx: XdpContext) -> u32 {
    program::balance(&ctx, Lru)
}

struct Lru;

impl FlowTable for Lru {
    type Place<'a> = &'a SharedWord;

    #[inline(always)]
    fn find(&self, _: &Settings, flow: &Flow) -> Option<(&SharedWord, FlowRecord)> {
        // SAFETY: the value is a word that is only read and written whole.
        let word = unsafe { LRU.get(&flow.key) }?;
        Some((word, FlowRecord::from_bits(word.load())))
    }

    #[inline(always)]
    fn update(&self, place: &&SharedWord, _: FlowRecord, new: FlowRecord) {
        place.store(new.bits());
    }

    #[inline(always)]
    fn remember(&self, _: &Settings, flow: &Flow, record: FlowRecord) -> bool {
        LRU.insert(&flow.key, &SharedWord::new(record.bits()), 0).is_ok()
    }
}
