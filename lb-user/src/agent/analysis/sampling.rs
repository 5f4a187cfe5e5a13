//! Samples out of the data plane.

use super::super::core::Known;
use super::super::names::Names;
use crate::analysis::application;
use crate::analysis::sampler::{Sampler, Taken};
use crate::analysis::samples::{Named, SampleAnalysis, Services};
use crate::control::types::Samples;
use crate::dataplane::Recorder;
use lb_common::abi::Sampling;
use std::time::{Duration, Instant};
use tracing::warn;

/// How often samples are taken out of the ring, which holds more than come in that time.
pub(crate) const INTERVAL: Duration = Duration::from_millis(100);

/// How often it is decided anew how many are taken.
const ADAPT_EVERY: Duration = Duration::from_secs(1);

/// What is sampled, and what samples show.
pub(crate) struct SampleTaker {
    analysis: SampleAnalysis,
    sampler: Sampler,
    /// What the data plane was told.
    told: Sampling,
    /// Since it was last decided how many are taken.
    since: Instant,
    taken: Taken,
    /// What the data plane had missed by then.
    missed: u64,
}

impl SampleTaker {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            analysis: SampleAnalysis::new(now),
            sampler: Sampler::new(0),
            told: Sampling::OFF,
            since: now,
            taken: Taken::default(),
            missed: 0,
        }
    }

    pub(super) fn report(&self) -> Samples {
        self.analysis.report(&self.told)
    }

    /// Takes the samples that there are, and decides which come next.
    pub(in super::super) fn follow<R: Recorder>(&mut self, known: &Known, recorder: &mut R, now: Instant) {
        let wanted = known.config.analysis;
        let is_due = now.saturating_duration_since(self.since) >= ADAPT_EVERY;
        if is_due || self.sampler.wanted() != wanted.samples {
            self.adapt(recorder, wanted.samples, now);
        }
        let first = recorder.next_sample();
        if first.is_none() && !is_due {
            return;
        }
        let names = Names::of(known);
        let services = services(known, &names);
        let mut next = first;
        while let Some(sampled) = next {
            self.taken.count(&sampled.record);
            self.taken.missed = sampled.record.missed.saturating_sub(self.missed);
            self.analysis.take(&sampled, &services, wanted.server_names);
            next = recorder.next_sample();
        }
        self.analysis.advance(now, recorder.record_clock(), &self.told, &services);
    }

    /// Has no more taken: nobody would read them.
    pub(in super::super) fn end<R: Recorder>(&mut self, recorder: &mut R) {
        self.sampler = Sampler::new(0);
        self.tell(recorder);
    }

    fn adapt<R: Recorder>(&mut self, recorder: &mut R, wanted: u32, now: Instant) {
        if self.sampler.wanted() == wanted {
            self.sampler.adapt(&self.taken, now.saturating_duration_since(self.since).as_secs_f64());
        } else {
            self.sampler = Sampler::new(wanted);
        }
        self.missed += self.taken.missed;
        (self.taken, self.since) = (Taken::default(), now);
        self.tell(recorder);
    }

    fn tell<R: Recorder>(&mut self, recorder: &mut R) {
        let sampling = self.sampler.sampling();
        if sampling == self.told {
            return;
        }
        match recorder.set_sampling(&sampling) {
            Ok(()) => self.told = sampling,
            Err(error) => warn!(%error, "which packets are sampled cannot be changed"),
        }
    }
}

fn services<'a>(known: &'a Known, names: &Names<'a>) -> Services<'a> {
    let named = |(id, service): (u32, &'a crate::config::Service)| {
        let application = application::of_service(&known.config.applications, service.protocol, service.ports);
        (id, Named { service: &service.name, application })
    };
    names.services().map(named).collect()
}
