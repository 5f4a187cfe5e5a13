//! Nanoseconds per packet, by `BPF_PROG_TEST_RUN`.

use crate::harness::{Harness, Traffic};
use crate::subject::{Packet, balancer};
use crate::{BENCH_OBJECT, HANDOFF_OBJECT};
use anyhow::Result;
use lb_user::bpf::KernelDataplane;
use serde::Serialize;

/// The loopback interface, which packets of `BPF_PROG_TEST_RUN` come in by.
const LOOPBACK: u32 = 1;

/// Room of the flow table by default.
const DEFAULT_TABLE: u32 = 1 << 20;
/// Room for twice a million flows.
const LARGE_TABLE: u32 = 1 << 21;

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

/// What is measured in a case.
struct Setup {
    name: &'static str,
    subject: Subject,
    packet: Packet,
    flows: Flows,
}

enum Subject {
    Floor,
    Ours(u32),
    Lru,
}

enum Flows {
    /// So many flows, a power of two, all of them remembered.
    Known(u64),
    /// Another one with each packet.
    New,
}

const CASES: [Setup; 12] = [
    Setup { name: "floor", subject: Subject::Floor, packet: Packet::Ack, flows: Flows::Known(1) },
    Setup { name: "arp", subject: Subject::Ours(DEFAULT_TABLE), packet: Packet::Arp, flows: Flows::Known(1) },
    Setup { name: "not-vip", subject: Subject::Ours(DEFAULT_TABLE), packet: Packet::Elsewhere, flows: Flows::Known(1) },
    Setup { name: "hit-1", subject: Subject::Ours(DEFAULT_TABLE), packet: Packet::Ack, flows: Flows::Known(1) },
    Setup { name: "udp-hit", subject: Subject::Ours(DEFAULT_TABLE), packet: Packet::Datagram, flows: Flows::Known(1) },
    Setup { name: "hit-64k", subject: Subject::Ours(DEFAULT_TABLE), packet: Packet::Ack, flows: Flows::Known(1 << 16) },
    Setup { name: "hit-1m", subject: Subject::Ours(LARGE_TABLE), packet: Packet::Ack, flows: Flows::Known(1 << 20) },
    Setup { name: "new-flow", subject: Subject::Ours(DEFAULT_TABLE), packet: Packet::Syn, flows: Flows::New },
    Setup { name: "lru-hit-1", subject: Subject::Lru, packet: Packet::Ack, flows: Flows::Known(1) },
    Setup { name: "lru-hit-64k", subject: Subject::Lru, packet: Packet::Ack, flows: Flows::Known(1 << 16) },
    Setup { name: "lru-hit-1m", subject: Subject::Lru, packet: Packet::Ack, flows: Flows::Known(1 << 20) },
    Setup { name: "lru-new-flow", subject: Subject::Lru, packet: Packet::Syn, flows: Flows::New },
];

/// Measures all cases, `packets` packets in each of `rounds` rounds; the harness's own cost comes first, before it has anything to run.
pub(crate) fn measure(harness: &mut Harness, rounds: usize, packets: u32) -> Result<Vec<Case>> {
    harness.traffic(Traffic::in_order(1))?;
    let cost = samples(rounds, || harness.run(Packet::Ack, packets))?;
    let base = median(&cost);
    let mut cases = vec![case("harness", &cost, 0.0)];
    for setup in CASES {
        cases.push(setup.measure(harness, rounds, packets, base)?);
    }
    Ok(cases)
}

impl Setup {
    fn measure(self, harness: &mut Harness, rounds: usize, packets: u32, base: f64) -> Result<Case> {
        let mut subject = self.subject.load()?;
        match &mut subject {
            None => harness.target_floor()?,
            Some(subject) => harness.target(subject.object().xdp()?)?,
        }
        // A table in use is full of flows that are over: new ones take the places of old ones, wherever those are.
        harness.traffic(Traffic::in_order(1 << 40))?;
        harness.run(Packet::Syn, 2 * LARGE_TABLE)?;
        if let Flows::Known(flows) = self.flows {
            // The first packet of a flow opens it, the second makes it established.
            harness.traffic(Traffic::in_order(flows))?;
            harness.run(self.packet, 2 * flows as u32)?;
            harness.traffic(Traffic::shuffled(flows))?;
        }
        let samples = samples(rounds, || harness.run(self.packet, packets))?;
        Ok(case(self.name, &samples, base))
    }
}

impl Subject {
    fn load(&self) -> Result<Option<KernelDataplane>> {
        match self {
            Self::Floor => Ok(None),
            Self::Ours(flows) => balancer(HANDOFF_OBJECT, "handoff", *flows, LOOPBACK, "").map(Some),
            Self::Lru => balancer(BENCH_OBJECT, "handoff_lru", DEFAULT_TABLE, LOOPBACK, "").map(Some),
        }
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
