//! The set-associative flow table over the map `FLOWS`.

use crate::maps::FLOWS;
use lb_common::abi::Settings;
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
            .is_some_and(|bucket| bucket.remember(flow.hash, record, &settings.timeouts))
    }
}
