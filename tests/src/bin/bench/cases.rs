//! What is measured, and in what situation.

use crate::packet::Packet;
use crate::subject::{Family, Services, balancer};
use crate::{BENCH_OBJECT, HANDOFF_OBJECT};
use anyhow::Result;
use lb_common::abi::{CaptureFilter, Sampling};
use lb_common::verdict::{Forwarded, Passed, Verdict};
use lb_common::wire::protocol;
use lb_user::bpf::KernelDataplane;
use lb_user::control::types::CaptureRequest;
use lb_user::dataplane::Recorder;
use std::net::Ipv4Addr;

/// The loopback interface, which packets of `BPF_PROG_TEST_RUN` come in by.
pub(crate) const LOOPBACK: u32 = 1;

/// Room of the flow table by default.
const DEFAULT_TABLE: u32 = 1 << 20;
/// Room for twice a million flows.
pub(crate) const LARGE_TABLE: u32 = 1 << 21;

/// One case.
pub(crate) struct Setup {
    pub(crate) name: &'static str,
    pub(crate) subject: Subject,
    pub(crate) packet: Packet,
    pub(crate) flows: Flows,
    /// What becomes of the packets.
    pub(crate) verdict: Verdict,
    /// Who looks on.
    pub(crate) watch: Watch,
}

/// Who looks on while packets are forwarded.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Watch {
    Nobody,
    /// A capture of other packets.
    CaptureOfOthers,
    /// A capture of these packets, at its default rate.
    Capture,
    /// The analysis, at its default rate.
    Samples,
}

pub(crate) enum Subject {
    /// A program that does as good as nothing.
    Floor(&'static str),
    /// Ours, with so many flows at most.
    Ours { flows: u32, services: Services },
    /// Ours, with the kernel's LRU hash map for flow table.
    Lru,
}

#[derive(Clone, Copy)]
pub(crate) enum Flows {
    /// So many flows, a power of two, all of them remembered.
    Known(u64),
    /// Another one with each packet.
    New,
}

const HIT: Verdict = Verdict::Forwarded(Forwarded::Remembered);
const NEW: Verdict = Verdict::Forwarded(Forwarded::NewFlow);

/// All cases.
pub(crate) fn all() -> Vec<Setup> {
    let mut cases = vec![
        floor("floor"),
        floor("grow"),
        passed("arp", Packet::Arp, Passed::NotIp),
        passed("not-vip", Packet::Elsewhere, Passed::NoService),
        hit("hit-1", Packet::Ack, 1, Services::PLAIN),
        hit("udp-hit-1", Packet::Datagram, 1, Services::PLAIN),
        hit("ipv6-hit-1", Packet::AckV6, 1, Services::PLAIN),
        hit("hit-64k", Packet::Ack, 1 << 16, Services::PLAIN),
        hit("ipv6-hit-64k", Packet::AckV6, 1 << 16, Services::PLAIN),
        hit("hit-1m", Packet::Ack, 1 << 20, Services::PLAIN),
        lru("lru-hit-1", Packet::Ack, Flows::Known(1), HIT),
        lru("lru-hit-64k", Packet::Ack, Flows::Known(1 << 16), HIT),
        lru("lru-hit-1m", Packet::Ack, Flows::Known(1 << 20), HIT),
        tunnel("ipip-hit-1", Packet::Ack, "ipip", Family::V4),
        tunnel("ipip-4in6-hit-1", Packet::Ack, "ipip", Family::V6),
        tunnel("ipip-6in4-hit-1", Packet::AckV6, "ipip", Family::V4),
        tunnel("ipip-6in6-hit-1", Packet::AckV6, "ipip", Family::V6),
        tunnel("gue-hit-1", Packet::Ack, "gue", Family::V4),
        tunnel("gue-ipv6-hit-1", Packet::AckV6, "gue", Family::V6),
        watched("sampled-hit-64k", Watch::Samples),
        watched("capturing-hit-64k", Watch::CaptureOfOthers),
        watched("captured-hit-64k", Watch::Capture),
        new_flow("new-flow", Packet::Syn, ""),
        new_flow("ipv6-new-flow", Packet::SynV6, ""),
        lru("lru-new-flow", Packet::Syn, Flows::New, NEW),
    ];
    cases.extend([
        new_flow("weighted-new-flow", Packet::Syn, "scheduler = \"weighted-round-robin\""),
        new_flow("least-connections-new-flow", Packet::Syn, "scheduler = \"least-connections\""),
        new_flow("source-hash-new-flow", Packet::Syn, "scheduler = \"source-hash\""),
        new_flow("maglev-new-flow", Packet::Syn, "scheduler = \"maglev\""),
        new_flow("affinity-new-flow", Packet::Syn, "affinity = { window = \"10m\" }"),
        new_flow("access-100k-new-flow", Packet::Syn, &access_list()),
        new_flow("rate-new-flow", Packet::Syn, "new-flow-rate = 1000000000"),
    ]);
    cases.push(Setup {
        verdict: Verdict::Forwarded(Forwarded::Flood),
        ..new_flow("flood-new-flow", Packet::Syn, "flood-above = 1")
    });
    cases
}

fn floor(name: &'static str) -> Setup {
    Setup {
        name,
        subject: Subject::Floor(name),
        packet: Packet::Ack,
        flows: Flows::Known(1),
        verdict: HIT,
        watch: Watch::Nobody,
    }
}

fn watched(name: &'static str, watch: Watch) -> Setup {
    Setup { watch, ..hit(name, Packet::Ack, 1 << 16, Services::PLAIN) }
}

fn passed(name: &'static str, packet: Packet, why: Passed) -> Setup {
    Setup { verdict: Verdict::Passed(why), ..hit(name, packet, 1, Services::PLAIN) }
}

fn hit(name: &'static str, packet: Packet, flows: u64, services: Services) -> Setup {
    let table = if flows > u64::from(DEFAULT_TABLE) / 2 { LARGE_TABLE } else { DEFAULT_TABLE };
    let subject = Subject::Ours { flows: table, services };
    Setup { name, subject, packet, flows: Flows::Known(flows), verdict: HIT, watch: Watch::Nobody }
}

fn tunnel(name: &'static str, packet: Packet, forwarding: &str, backends: Family) -> Setup {
    let services = Services { keys: format!("forwarding = \"{forwarding}\""), backends: Some(backends) };
    hit(name, packet, 1, services)
}

fn new_flow(name: &'static str, packet: Packet, keys: &str) -> Setup {
    let services = Services { keys: keys.to_owned(), backends: None };
    let subject = Subject::Ours { flows: DEFAULT_TABLE, services };
    Setup { name, subject, packet, flows: Flows::New, verdict: NEW, watch: Watch::Nobody }
}

fn lru(name: &'static str, packet: Packet, flows: Flows, verdict: Verdict) -> Setup {
    Setup { name, subject: Subject::Lru, packet, flows, verdict, watch: Watch::Nobody }
}

/// Allows all clients that the harness has, 10.0.0.0/14, by 100,000 prefixes: 68,928 of two addresses each, then 31,072 of four.
/// The IPv6 service has the same list and needs one of its own family.
fn access_list() -> String {
    let pairs = (0..68_928).map(|pair| (2 * pair, 31));
    let quads = (0..31_072).map(|quad| (2 * 68_928 + 4 * quad, 30));
    let prefixes: Vec<String> =
        pairs.chain(quads).map(|(offset, len)| format!("\"{}/{len}\"", Ipv4Addr::from((10 << 24) + offset))).collect();
    format!("allow = [{},\"2001:db8::/32\"]", prefixes.join(","))
}

impl Watch {
    /// Begins to look on.
    pub(crate) fn begin(self, balancer: &mut KernelDataplane) -> Result<()> {
        let all = CaptureFilter {
            until: u64::MAX,
            verdicts: [u64::MAX; 2],
            rate: CaptureRequest::DEFAULT_RATE,
            snaplen: CaptureRequest::DEFAULT_SNAPLEN,
            ..CaptureFilter::OFF
        };
        match self {
            Self::Nobody => Ok(()),
            Self::CaptureOfOthers => {
                Ok(balancer.set_filter(1, &CaptureFilter { protocol: protocol::SCTP.into(), ..all })?)
            }
            Self::Capture => Ok(balancer.set_filter(1, &all)?),
            Self::Samples => {
                let sampling = Sampling { packet_mask: 0xffff, flow_mask: 0xffff, rate: 1_000, ..Sampling::OFF };
                Ok(balancer.set_sampling(&sampling)?)
            }
        }
    }

    /// Takes what there is to see, as the agent does.
    pub(crate) fn read(self, balancer: &mut KernelDataplane) {
        while balancer.next_record().is_some() || balancer.next_sample().is_some() {}
    }
}

impl Subject {
    /// The balancer that is measured, if it is one.
    pub(crate) fn load(&self) -> Result<Option<KernelDataplane>> {
        match self {
            Self::Floor(_) => Ok(None),
            Self::Ours { flows, services } => balancer(HANDOFF_OBJECT, "handoff", *flows, LOOPBACK, services).map(Some),
            Self::Lru => balancer(BENCH_OBJECT, "handoff_lru", DEFAULT_TABLE, LOOPBACK, &Services::PLAIN).map(Some),
        }
    }
}
