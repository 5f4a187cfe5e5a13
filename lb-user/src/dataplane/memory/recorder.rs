use super::MemoryDataplane;
use crate::bpf::Error;
use crate::dataplane::{Recorded, Recorder, Sampled};
use lb_common::abi::{CAPTURE_READERS, CaptureFilter, CaptureRecord, SampleRecord, Sampling};
use lb_common::datapath::{Outcome, Plan, begins_handshake, observe};
use lb_common::frame::Frame;
use lb_common::tables::Tables;
use lb_common::verdict::Verdict;
use std::cell::RefCell;
use std::collections::VecDeque;

/// The filters, and the records and samples that nobody has taken yet. There is no limit to them here.
pub(super) struct Records {
    filters: [CaptureFilter; CAPTURE_READERS],
    records: RefCell<VecDeque<Recorded>>,
    sampling: Sampling,
    samples: RefCell<VecDeque<Sampled>>,
}

impl Records {
    pub(super) fn off() -> Self {
        Self {
            filters: [CaptureFilter::OFF; CAPTURE_READERS],
            records: RefCell::default(),
            sampling: Sampling::OFF,
            samples: RefCell::default(),
        }
    }
}

impl MemoryDataplane {
    /// The beginning of a record, if anybody wants one of the packet.
    pub(super) fn begin_record(&self, bytes: &mut [u8]) -> Option<Recorded> {
        let at = Tables::now(self);
        let len = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let mut record = CaptureRecord { at, ingress: self.ingress, len, ..CaptureRecord::BLANK };
        observe(self, &Frame::from_slice(bytes), &mut record.key, &mut record.flags);
        let secret = self.settings().map_or([0; 2], |settings| settings.flow_secret);
        for (reader, filter) in self.records.filters.iter().enumerate() {
            let is_wanted = at < filter.until && filter.wants(&record.key, record.flags, secret);
            record.readers |= u16::from(is_wanted) << reader;
        }
        let before = head(bytes, self.snaplen(record.readers));
        (record.readers != 0).then_some(Recorded { record, before, after: Vec::new() })
    }

    /// Records what became of the packet, if that is meant.
    pub(super) fn end_record(&self, mut recorded: Recorded, outcome: &Outcome, bytes: &[u8]) {
        let record = &mut recorded.record;
        record.verdict = outcome.verdict.number() as u16;
        record.service = outcome.subject().0;
        if let Some((slot, egress)) = outcome.to {
            (record.slot, record.egress) = (slot, egress);
            record.service = self.backend(slot).map_or(record.service, |backend| backend.service);
        }
        for (reader, filter) in self.records.filters.iter().enumerate() {
            if !filter.wants_decision(record.verdict.into(), record.service, record.slot) {
                record.readers &= !(1 << reader);
            }
        }
        if record.readers == 0 {
            return;
        }
        record.new_len = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        recorded.after = head(bytes, self.snaplen(record.readers));
        (record.before, record.after) = (recorded.before.len() as u16, recorded.after.len() as u16);
        self.records.records.borrow_mut().push_back(recorded);
    }

    /// How much of a packet these readers want.
    fn snaplen(&self, readers: u16) -> usize {
        let wanted = self.records.filters.iter().enumerate().filter(|(reader, _)| readers >> reader & 1 != 0);
        wanted.map(|(_, filter)| filter.snaplen.into()).max().unwrap_or(0)
    }

    /// Takes a sample of the packet, if it is the turn of one.
    pub(super) fn take_sample(&self, frame: &Frame<'_>, count: u64, found: &Result<Plan<'_>, Verdict>) {
        let (flow, verdict, service) = match found {
            Ok(plan) => (Some(plan.hash), Verdict::Forwarded(plan.how), plan.backend.service),
            Err(verdict @ Verdict::Dropped(_, subject)) => (None, *verdict, subject.0),
            Err(_) => return,
        };
        let sampling = &self.records.sampling;
        let of = sampling.takes(count, flow);
        if of == 0 {
            return;
        }
        let mut record = SampleRecord {
            at: Tables::now(self),
            packet_mask: sampling.packet_mask,
            flow_mask: sampling.flow_mask,
            service,
            len: frame.len() as u32,
            verdict: verdict.number() as u16,
            of,
            ..SampleRecord::BLANK
        };
        let payload = observe(self, frame, &mut record.key, &mut record.flags);
        let mut bytes = Vec::new();
        if of & SampleRecord::OF_FLOWS != 0 && begins_handshake(frame, payload) {
            bytes = head(frame.bytes(), SampleRecord::MAX_CAPTURED);
            (record.payload, record.captured) = (payload as u16, bytes.len() as u16);
        }
        self.records.samples.borrow_mut().push_back(Sampled { record, bytes });
    }
}

fn head(bytes: &[u8], len: usize) -> Vec<u8> {
    bytes[..len.min(bytes.len())].to_vec()
}

impl Recorder for MemoryDataplane {
    fn set_filter(&mut self, reader: usize, filter: &CaptureFilter) -> Result<(), Error> {
        self.records.filters[reader] = *filter;
        Ok(())
    }

    fn forget_records(&mut self, _: usize) -> Result<(), Error> {
        Ok(())
    }

    fn next_record(&mut self) -> Option<Recorded> {
        self.records.records.get_mut().pop_front()
    }

    fn record_clock(&self) -> u64 {
        Tables::now(self)
    }

    fn set_sampling(&mut self, sampling: &Sampling) -> Result<(), Error> {
        self.records.sampling = *sampling;
        Ok(())
    }

    fn next_sample(&mut self) -> Option<Sampled> {
        self.records.samples.get_mut().pop_front()
    }
}
