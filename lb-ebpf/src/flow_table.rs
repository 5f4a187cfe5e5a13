//! The set-associative flow table over the map `FLOWS`.

use crate::global::{self, remember_flow};
use crate::maps::FLOWS;
use crate::program::Flows;
use lb_common::abi::Settings;
use lb_common::datapath::{Finding, Reading};
use lb_common::flow_table::{Entry, FlowRecord, bucket_index};
use lb_common::tables::{Flow, FlowTable};

/// The flow table of `lb_common::flow_table`.
pub struct Buckets;

impl FlowTable for Buckets {
    type Place<'a> = &'a Entry;

    #[inline(always)]
    fn find(&self, settings: &Settings, flow: &Flow) -> Option<(&Entry, FlowRecord)> {
        FLOWS.get(bucket_index(flow.hash, settings.bucket_mask))?.find(flow.hash)
    }

    #[inline(always)]
    fn update(&self, place: &&Entry, current: FlowRecord, new: FlowRecord) {
        place.update(current, new);
    }

    #[inline(always)]
    fn remember(&self, settings: &Settings, flow: &Flow, record: FlowRecord) -> bool {
        FLOWS
            .get(bucket_index(flow.hash, settings.bucket_mask))
            .is_some_and(|bucket| remember_flow(bucket, flow.hash, record.bits(), &raw const settings.timeouts) != 0)
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
