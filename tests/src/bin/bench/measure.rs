//! Nanoseconds per packet, by `BPF_PROG_TEST_RUN`.

use crate::cases::{self, Flows, LARGE_TABLE, Setup, Subject};
use crate::harness::{Harness, Traffic};
use crate::packet::Packet;
use anyhow::{Result, ensure};
use lb_user::bpf::KernelDataplane;
use lb_user::dataplane::Dataplane;
use serde::Serialize;
use std::thread;
use std::time::Duration;

/// Longer than a tick of the program's clock: what was before is older than what comes.
const TICK: Duration = Duration::from_millis(1_100);

/// One measured case.
#[derive(Debug, Serialize)]
pub(crate) struct Case {
    pub(crate) name: &'static str,
    /// Nanoseconds per packet without the harness, the median of all rounds.
    pub(crate) ns_net: f64,
    pub(crate) ns_min: f64,
    pub(crate) ns_max: f64,
    pub(crate) rounds: usize,
}

/// Measures the cases whose names begin with `only`, `packets` packets in each of `rounds` rounds; the harness's own cost comes first,
/// before it has anything to run.
pub(crate) fn measure(harness: &mut Harness, only: &str, rounds: usize, packets: u32) -> Result<Vec<Case>> {
    harness.traffic(Traffic::in_order(Packet::Ack, 1))?;
    let cost = samples(rounds, || harness.run(Packet::Ack, packets))?;
    let base = median(&cost);
    let mut measured = vec![case("harness", &cost, 0.0)];
    for setup in cases::all().into_iter().filter(|setup| setup.name.starts_with(only)) {
        measured.push(setup.measure(harness, rounds, packets, base)?);
    }
    Ok(measured)
}

impl Setup {
    fn measure(self, harness: &mut Harness, rounds: usize, packets: u32, base: f64) -> Result<Case> {
        let mut balancer = self.subject.load()?;
        match (&mut balancer, &self.subject) {
            (Some(balancer), _) => harness.target(balancer.object().xdp()?)?,
            (None, Subject::Floor(name)) => harness.target_own(name)?,
            (None, _) => {}
        }
        // A table in use is full of flows that are over: new ones take the places of old ones, wherever those are.
        harness.traffic(Traffic::in_order(Packet::Syn, 1 << 40))?;
        harness.run(Packet::Syn, 2 * LARGE_TABLE)?;
        thread::sleep(TICK);
        match self.flows {
            Flows::Known(flows) => {
                // The first packet of a flow opens it, the second makes it established.
                harness.traffic(Traffic::in_order(self.packet, flows))?;
                harness.run(self.packet, 2 * flows as u32)?;
                harness.traffic(Traffic::shuffled(self.packet, flows))?;
            }
            Flows::New => harness.traffic(Traffic::shuffled(self.packet, 1 << 32))?,
        }
        if let Some(balancer) = &mut balancer {
            self.watch.begin(balancer)?;
        }
        let before = self.counted(balancer.as_ref())?;
        let samples = samples(rounds, || {
            let cost = harness.run(self.packet, packets);
            if let Some(balancer) = &mut balancer {
                self.watch.read(balancer);
            }
            cost
        })?;
        let counted = self.counted(balancer.as_ref())? - before;
        // A few of a million known flows find their bucket full, and a few of the new ones are not, whose numbers come from a shuffle.
        let sent = u64::from(packets) * rounds as u64;
        ensure!(
            balancer.is_none() || counted >= sent / 10 * 9,
            "{}: {counted} of {sent} packets were {:?}",
            self.name,
            self.verdict
        );
        Ok(case(self.name, &samples, base))
    }

    /// How many packets had the verdict that they should have.
    fn counted(&self, balancer: Option<&KernelDataplane>) -> Result<u64> {
        let Some(balancer) = balancer else { return Ok(0) };
        let counters = balancer.counters(&[], &[])?;
        Ok(counters.verdicts[self.verdict.number() as usize].packets())
    }
}

fn samples(rounds: usize, mut run: impl FnMut() -> Result<f64>) -> Result<Vec<f64>> {
    let mut samples = (0..rounds).map(|_| run()).collect::<Result<Vec<f64>>>()?;
    samples.sort_by(f64::total_cmp);
    Ok(samples)
}

/// A case of sorted samples, less the harness's cost.
fn case(name: &'static str, samples: &[f64], base: f64) -> Case {
    let [min, .., max] = samples else { unreachable!("at least 7 rounds") };
    let round = |ns: f64| ((ns - base) * 10.0).round() / 10.0;
    Case { name, ns_net: round(median(samples)), ns_min: round(*min), ns_max: round(*max), rounds: samples.len() }
}

/// The middle one of sorted samples.
pub(crate) fn median(samples: &[f64]) -> f64 {
    samples[samples.len() / 2]
}
