//! The set-associative flow table over the map `FLOWS`.

use crate::global::{self, remember_flow};
use crate::maps::{FLOWS, KEYS};
use crate::program::Flows;
use lb_common::abi::Settings;
use lb_common::datapath::{Finding, Reading};
use lb_common::flow_table::{Entry, FlowRecord, StoredKey, WAYS, bucket_index};
use lb_common::tables::{Flow, FlowTable};

/// The flow table of `lb_common::flow_table`.
pub struct Buckets;

impl FlowTable for Buckets {
    type Place<'a> = &'a Entry;

    #[inline(always)]
    fn find(&self, settings: &Settings, flow: &Flow) -> Option<(&Entry, FlowRecord)> {
        let index = bucket_index(flow.hash, settings.bucket_mask);
        FLOWS.get(index)?.find(flow.hash)
    }

    #[inline(always)]
    fn anticipate(&self, settings: &Settings, flow: &Flow) {
        let index = bucket_index(flow.hash, settings.bucket_mask);
        for way in [0, WAYS / 2] {
            KEYS.get((index as usize * WAYS + way) as u32).map(StoredKey::touch);
        }
    }

    #[inline(always)]
    fn update(&self, place: &&Entry, current: FlowRecord, new: FlowRecord) {
        place.update(current, new);
    }

    #[inline(always)]
    fn remember(&self, settings: &Settings, flow: &Flow, record: FlowRecord) -> bool {
        let index = bucket_index(flow.hash, settings.bucket_mask);
        let Some(bucket) = FLOWS.get(index) else { return false };
        let place = remember_flow(bucket, flow.hash, record.bits(), &raw const settings.timeouts);
        if place == 0 {
            return false;
        }
        if let Some(stored) = KEYS.get(index * WAYS as u32 + place - 1) {
            stored.store(&flow.key);
        }
        true
    }
}

impl Flows for Buckets {
    const NEW: Self = Self;
    const READS_QUIC: bool = true;

    #[inline(always)]
    fn consider(reading: &Reading, finding: &mut Finding) -> bool {
        global::consider(reading, finding) != 0
    }
}
