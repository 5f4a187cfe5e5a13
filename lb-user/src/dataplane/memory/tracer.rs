use super::MemoryDataplane;
use crate::bpf::Error;
use crate::dataplane::Tracer;
use lb_common::abi::{TraceFilter, TraceRecord};
use lb_common::datapath::{Outcome, observe};
use lb_common::frame::Frame;
use lb_common::tables::Tables;
use std::cell::RefCell;
use std::collections::VecDeque;

/// The filter, and the records that nobody has taken yet. There is no limit to them here.
pub(super) struct Trace {
    filter: TraceFilter,
    records: RefCell<VecDeque<TraceRecord>>,
}

impl Trace {
    pub(super) fn off() -> Self {
        Self { filter: TraceFilter::OFF, records: RefCell::default() }
    }
}

impl MemoryDataplane {
    /// The beginning of a record, if the packet is meant.
    pub(super) fn begin_record(&self, bytes: &mut [u8]) -> Option<TraceRecord> {
        let at = Tables::now(self);
        let len = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let mut record = TraceRecord { at, ingress: self.ingress, len, ..TraceRecord::BLANK };
        let filter = &self.trace.filter;
        if at >= filter.until {
            return None;
        }
        observe(self, &Frame::from_slice(bytes), &mut record);
        filter.wants(&record.key).then_some(record)
    }

    /// Records what became of the packet, if that is meant.
    pub(super) fn end_record(&self, mut record: TraceRecord, outcome: &Outcome) {
        record.verdict = outcome.verdict.number() as u16;
        record.service = outcome.subject().0;
        if let Some((slot, egress)) = outcome.to {
            (record.slot, record.egress) = (slot, egress);
            record.service = self.backend(slot).map_or(record.service, |backend| backend.service);
        }
        if self.trace.filter.wants_verdict(record.verdict.into()) {
            self.trace.records.borrow_mut().push_back(record);
        }
    }
}

impl Tracer for MemoryDataplane {
    fn set_filter(&mut self, filter: &TraceFilter) -> Result<(), Error> {
        self.trace.filter = *filter;
        Ok(())
    }

    fn next_record(&mut self) -> Option<TraceRecord> {
        self.trace.records.get_mut().pop_front()
    }

    fn forget_records(&mut self) -> Result<(), Error> {
        self.trace.records.get_mut().clear();
        Ok(())
    }

    fn record_clock(&self) -> u64 {
        Tables::now(self)
    }
}
