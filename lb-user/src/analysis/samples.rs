//! What samples show, for as long as they count.

use super::client_hello::{self, ClientHello, Version};
use super::flow_sizes::{EndedFlow, FlowPacket, FlowsUnderWay, Phase, SizeTally};
use super::heavy_hitters::HeavyHitters;
use super::window::Window;
use crate::control::types::{ClientHellos, FlowSizeClass, FlowSizes, Samples, ServerNameCount, Talker};
use crate::dataplane::Sampled;
use lb_common::abi::{SampleRecord, Sampling};
use lb_common::verdict::{Forwarded, Verdict};
use lb_common::wire::{Tcp, protocol};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// How long samples count.
const WINDOW: Duration = Duration::from_secs(300);
/// Clients that are counted.
const TALKERS: usize = 1_024;
/// Clients that are shown.
const SHOWN_TALKERS: usize = 50;
/// Names that are counted of each service.
const SERVER_NAMES: usize = 256;
/// Names that are shown of each service.
const SHOWN_NAMES: usize = 50;
/// Flows that are followed at once.
const FLOWS: usize = 16_384;

/// What the samples of a window show.
#[derive(Debug)]
pub struct SampleAnalysis {
    window: Window<Tallies>,
    flows: FlowsUnderWay,
    taken: u64,
    missed: u64,
}

/// What a service is called and is for, by its number.
pub type Services<'a> = BTreeMap<u32, Named<'a>>;

/// A service in words.
#[derive(Clone, Copy, Debug)]
pub struct Named<'a> {
    /// Its name.
    pub service: &'a str,
    /// What its port is for.
    pub application: &'a str,
}

#[derive(Clone, Debug)]
struct Tallies {
    talkers: HeavyHitters<IpAddr>,
    /// By application.
    sizes: BTreeMap<String, SizeTally>,
    /// By service.
    hellos: BTreeMap<String, HelloTally>,
}

#[derive(Clone, Debug)]
struct HelloTally {
    /// Those of each version: 1.3, 1.2, older.
    versions: [u64; 3],
    resumption: u64,
    cut: u64,
    names: HeavyHitters<String>,
}

impl SampleAnalysis {
    /// Nothing was seen yet.
    pub fn new(now: Instant) -> Self {
        let window = Window::new(WINDOW, now, Tallies::none);
        Self { window, flows: FlowsUnderWay::new(FLOWS), taken: 0, missed: 0 }
    }

    /// Moves on: what is too old is forgotten, and flows that are silent are over. `clock` is that of the samples.
    pub fn advance(&mut self, now: Instant, clock: u64, sampling: &Sampling, services: &Services<'_>) {
        self.window.advance(now, Tallies::none);
        for flow in self.flows.expire(clock, sampling.flow_mask + 1) {
            self.count_flow(&flow, services);
        }
    }

    /// Takes a sample into account. Names that clients ask for are kept only if they are `named`.
    pub fn take(&mut self, sampled: &Sampled, services: &Services<'_>, named: bool) {
        let record = &sampled.record;
        self.taken += 1;
        self.missed = self.missed.max(record.missed);
        if record.of & SampleRecord::OF_PACKETS != 0 {
            let stands_for = record.packet_mask.saturating_add(1);
            let bytes = u64::from(record.len).saturating_mul(stands_for);
            self.window.current().talkers.add(record.key.source.into(), bytes, stands_for);
        }
        if record.of & SampleRecord::OF_FLOWS != 0 {
            self.follow_flow(record, services);
            let handshake = sampled.bytes.get(record.payload.into()..).filter(|_| record.payload != 0);
            if let (Some(hello), Some(of)) = (handshake.and_then(client_hello::parse), services.get(&record.service)) {
                let hellos = &mut self.window.current().hellos;
                hellos.entry(of.service.to_owned()).or_insert_with(HelloTally::none).count(hello, named);
            }
        }
    }

    /// What they show, when it is taken as `sampling` says.
    pub fn report(&self, sampling: &Sampling) -> Samples {
        let one_in = |mask: u64| if sampling.rate == 0 { 0 } else { mask + 1 };
        Samples {
            window_s: WINDOW.as_secs(),
            one_packet_in: one_in(sampling.packet_mask),
            one_flow_in: one_in(sampling.flow_mask),
            taken: self.taken,
            missed: self.missed,
            talkers: self.talkers(),
            flow_sizes: self.flow_sizes(),
            hellos: self.hellos(),
        }
    }

    fn follow_flow(&mut self, record: &SampleRecord, services: &Services<'_>) {
        // Pieces and errors do not show which flow they belong to.
        if record.key.ports.destination.get() == 0 {
            return;
        }
        let packet = FlowPacket {
            key: record.key,
            service: record.service,
            at: record.at,
            len: record.len.into(),
            phase: phase(record),
            one_in: record.flow_mask.saturating_add(1),
        };
        if let Some(flow) = self.flows.packet(&packet) {
            self.count_flow(&flow, services);
        }
    }

    fn count_flow(&mut self, flow: &EndedFlow, services: &Services<'_>) {
        if let Some(of) = services.get(&flow.service) {
            self.window.current().sizes.entry(of.application.to_owned()).or_default().count(flow);
        }
    }

    fn talkers(&self) -> Vec<Talker> {
        let [before, current] = self.window.halves().map(|tallies| &tallies.talkers);
        let total = before.total().saturating_add(current.total());
        let talker = |(client, counted): (IpAddr, super::heavy_hitters::Counted)| Talker {
            client,
            packets: counted.times,
            bytes: counted.weight,
            error: counted.error,
            share: counted.weight as f64 / total.max(1) as f64,
        };
        before.with(current).into_iter().take(SHOWN_TALKERS).map(talker).collect()
    }

    fn flow_sizes(&self) -> Vec<FlowSizes> {
        let mut sums: BTreeMap<&str, SizeTally> = BTreeMap::new();
        for (application, sizes) in self.window.halves().into_iter().flat_map(|tallies| &tallies.sizes) {
            sums.entry(application).or_default().add(sizes);
        }
        sums.into_iter().map(|(application, tally)| flow_sizes(application, &tally)).collect()
    }

    fn hellos(&self) -> Vec<ClientHellos> {
        let [before, current] = self.window.halves().map(|tallies| &tallies.hellos);
        let none = HelloTally::none();
        let mut services: Vec<&String> = before.keys().chain(current.keys()).collect();
        services.sort();
        services.dedup();
        let of = |service: &String| {
            before.get(service).unwrap_or(&none).report(service, current.get(service).unwrap_or(&none))
        };
        services.into_iter().map(of).collect()
    }
}

impl Tallies {
    fn none() -> Self {
        Self { talkers: HeavyHitters::new(TALKERS), sizes: BTreeMap::new(), hellos: BTreeMap::new() }
    }
}

impl HelloTally {
    fn none() -> Self {
        Self { versions: [0; 3], resumption: 0, cut: 0, names: HeavyHitters::new(SERVER_NAMES) }
    }

    fn count(&mut self, hello: ClientHello, named: bool) {
        let version = match hello.version {
            Version::Tls13 => 0,
            Version::Tls12 => 1,
            Version::Older => 2,
        };
        self.versions[version] += 1;
        self.resumption += u64::from(hello.offers_resumption);
        self.cut += u64::from(hello.is_cut);
        if let Some(name) = hello.server_name.filter(|_| named) {
            self.names.add(name, 1, 1);
        }
    }

    fn report(&self, service: &str, more: &Self) -> ClientHellos {
        let [tls13, tls12, older] = [0, 1, 2].map(|version| self.versions[version] + more.versions[version]);
        let names = self.names.with(&more.names).into_iter().take(SHOWN_NAMES);
        ClientHellos {
            service: service.to_owned(),
            seen: tls13 + tls12 + older,
            tls13,
            tls12,
            older,
            resumption: self.resumption + more.resumption,
            cut: self.cut + more.cut,
            server_names: names.map(|(name, counted)| ServerNameCount { name, seen: counted.weight }).collect(),
        }
    }
}

fn flow_sizes(application: &str, tally: &SizeTally) -> FlowSizes {
    let mean = |sum: u64| sum as f64 / tally.flows.max(1) as f64;
    // No flow has 2⁶⁴ bytes.
    let sizes = (0..64).zip(tally.by_size).filter(|&(_, flows)| flows > 0);
    FlowSizes {
        application: application.to_owned(),
        flows: tally.flows,
        mean_bytes: mean(tally.bytes),
        mean_packets: mean(tally.packets),
        mean_duration_s: mean(tally.duration) * 1e-9,
        sizes: sizes.map(|(power, flows)| FlowSizeClass { up_to_bytes: 1 << power, flows }).collect(),
    }
}

/// What a packet says about its flow: TCP by its flags, anything else by what was decided.
fn phase(record: &SampleRecord) -> Phase {
    if record.key.protocol == u32::from(protocol::TCP) {
        let has = |flag: u8| record.flags & u16::from(flag) != 0;
        return match () {
            () if has(Tcp::RST) => Phase::Breaks,
            () if has(Tcp::FIN) => Phase::Ends,
            () if has(Tcp::SYN) => Phase::Begins,
            () => Phase::GoesOn,
        };
    }
    let begins = [Forwarded::NewFlow, Forwarded::Affinity, Forwarded::OnePacket];
    let begins = begins.map(|how| Verdict::Forwarded(how).number()).contains(&record.verdict.into());
    if begins { Phase::Begins } else { Phase::GoesOn }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lb_common::abi::Address;
    use lb_common::flow::{FlowKey, Ports};
    use lb_common::wire::Be16;

    const SAMPLING: Sampling = Sampling { packet_mask: 7, flow_mask: 3, rate: 2_000, padding: 0 };

    fn services() -> Services<'static> {
        [(1, Named { service: "web", application: "HTTPS" })].into()
    }

    fn sample(of: u16, client: u8, service: u32, bytes: Vec<u8>) -> Sampled {
        let ports = Ports { source: Be16::new(1_000), destination: Be16::new(443) };
        let key = FlowKey { source: Address::from_v4([10, 0, 0, client]), ports, protocol: 6, ..FlowKey::BLANK };
        let record = SampleRecord {
            packet_mask: 7,
            flow_mask: 3,
            key,
            service,
            len: 100,
            of,
            payload: 4,
            ..SampleRecord::BLANK
        };
        Sampled { record, bytes }
    }

    /// A hello that asks for `name`, after four bytes of a frame.
    fn hello(name: &str) -> Vec<u8> {
        let len = name.len() as u8;
        let server_name = [&[0, 0, 0, len + 5, 0, len + 3, 0, 0, len], name.as_bytes()].concat();
        let rest = [&[0, 0, 2, 0x13, 1, 1, 0, 0, server_name.len() as u8], &server_name[..]].concat();
        let body = [&[3, 3][..], &[0; 32], &rest].concat();
        let body_len = body.len() as u8;
        [&[9, 9, 9, 9, 22, 3, 1, 0, body_len + 4, 1, 0, 0, body_len], &body[..]].concat()
    }

    #[test]
    fn packets_stand_for_others_and_dropped_ones_count() {
        let now = Instant::now();
        let mut analysis = SampleAnalysis::new(now);
        for client in [1, 1, 1, 2] {
            analysis.take(&sample(SampleRecord::OF_PACKETS, client, u32::MAX, Vec::new()), &services(), false);
        }
        let Samples { talkers, one_packet_in, one_flow_in, .. } = analysis.report(&SAMPLING);
        assert_eq!((one_packet_in, one_flow_in), (8, 4));
        assert_eq!((talkers[0].packets, talkers[0].bytes, talkers[0].share), (24, 2_400, 0.75));
        analysis.advance(now + WINDOW, 0, &SAMPLING, &services());
        assert_eq!(analysis.report(&SAMPLING).talkers, []);
    }

    #[test]
    fn names_are_kept_only_when_they_are_wanted() {
        for (named, expected) in [(false, &[][..]), (true, &[("a.example", 2), ("b.example", 1)])] {
            let mut analysis = SampleAnalysis::new(Instant::now());
            for name in ["a.example", "b.example", "a.example"] {
                analysis.take(&sample(SampleRecord::OF_FLOWS, 1, 1, hello(name)), &services(), named);
            }
            analysis.take(&sample(SampleRecord::OF_FLOWS, 1, 1, vec![0; 80]), &services(), named);
            let [hellos] = &analysis.report(&SAMPLING).hellos[..] else { panic!("one service has hellos") };
            assert_eq!((hellos.seen, hellos.tls12, hellos.resumption, hellos.cut), (3, 3, 0, 0));
            let names: Vec<_> = hellos.server_names.iter().map(|it| (it.name.as_str(), it.seen)).collect();
            assert_eq!(names, expected);
        }
    }
}
