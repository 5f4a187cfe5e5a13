//! A trace: the records that the program makes, handed on to the one who asked, as long as he reads them.

use super::core::Known;
use super::names::Names;
use crate::bpf;
use crate::config::{Prefix, Protocol};
use crate::control::Refused;
use crate::control::types::{Flags, FlowTuple, TraceLine, TraceRequest};
use crate::dataplane::Tracer;
use lb_common::abi::{Address, TraceFilter, TraceRecord};
use lb_common::flow::FlowKey;
use lb_common::verdict::{Subject, Verdict};
use lb_common::wire::{Be16, protocol};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant, SystemTime};
use tokio::sync::mpsc;
use tracing::warn;

/// How often records are taken out of the ring, which holds more than come in that time.
pub(super) const INTERVAL: Duration = Duration::from_millis(50);

/// How long the program goes on recording for an agent that is gone, in nanoseconds.
const LEASE: u64 = 3_000_000_000;

/// Lines that wait for a slow reader, at most.
const WAITING: usize = 4_096;

/// The trace under way, if there is one.
#[derive(Default)]
pub(super) struct Tracing(Option<Trace>);

struct Trace {
    filter: TraceFilter,
    reader: mpsc::Sender<TraceLine>,
    /// How many lines are still wanted.
    left: u64,
    ends: Option<Instant>,
    /// Records that were missed, as far as the reader was told.
    told_missed: u64,
    /// Lines that the reader was too slow for.
    dropped: u64,
}

impl Tracing {
    /// Whether anybody traces.
    pub(super) fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Begins a trace, unless there is one already.
    pub(super) fn begin<T: Tracer>(
        &mut self,
        tracer: &mut T,
        question: &TraceRequest,
        now: Instant,
    ) -> Result<mpsc::Receiver<TraceLine>, Refused> {
        if self.0.as_ref().is_some_and(|trace| !trace.reader.is_closed()) {
            return Err(Refused::conflict("somebody else is tracing: wait for the end of that trace".to_owned()));
        }
        let failed = |error: bpf::Error| Refused::failed(error.to_string());
        let (reader, lines) = mpsc::channel(WAITING);
        let trace = Trace {
            filter: filter(question)?,
            reader,
            left: question.count.unwrap_or(u64::MAX),
            ends: question.duration_s.and_then(|seconds| now.checked_add(Duration::from_secs(seconds))),
            told_missed: 0,
            dropped: 0,
        };
        // What an earlier trace has left is none of this one's.
        tracer.forget_records().map_err(failed)?;
        trace.prolong(tracer).map_err(failed)?;
        self.0 = Some(trace);
        Ok(lines)
    }

    /// Hands on the records that there are, and ends the trace when it is over or nobody reads it any more.
    pub(super) fn follow<T: Tracer>(&mut self, known: &Known, tracer: &mut T, now: Instant) {
        let Some(trace) = &mut self.0 else { return };
        trace.hand_on(known, tracer);
        let is_over = trace.left == 0 || trace.reader.is_closed() || trace.ends.is_some_and(|ends| now >= ends);
        let done = if is_over { tracer.set_filter(&TraceFilter::OFF) } else { trace.prolong(tracer) };
        if let Err(error) = &done {
            warn!(%error, "the trace ends");
        }
        if is_over || done.is_err() {
            self.0 = None;
        }
    }
}

impl Trace {
    fn prolong<T: Tracer>(&self, tracer: &mut T) -> Result<(), bpf::Error> {
        tracer.set_filter(&TraceFilter { until: tracer.record_clock() + LEASE, ..self.filter })
    }

    fn hand_on<T: Tracer>(&mut self, known: &Known, tracer: &mut T) {
        let Some(first) = tracer.next_record() else { return };
        let names = Names::of(known);
        let (wall, clock) = (SystemTime::now(), tracer.record_clock());
        let mut next = Some(first);
        while let Some(record) = next.filter(|_| self.left > 0) {
            let at = wall - Duration::from_nanos(clock.saturating_sub(record.at));
            let untold = record.missed.saturating_sub(self.told_missed) + self.dropped;
            if self.reader.try_send(line(known, &names, &record, at, untold)).is_ok() {
                (self.told_missed, self.dropped) = (record.missed, 0);
                self.left -= 1;
            } else {
                self.dropped += 1;
            }
            next = tracer.next_record();
        }
    }
}

/// What the program is to record.
fn filter(question: &TraceRequest) -> Result<TraceFilter, Refused> {
    let verdicts = match &question.verdict {
        None => [u64::MAX; 2],
        Some(name) => verdicts(name)?,
    };
    let (client, client_bits) = question.client.map_or((Address::UNSPECIFIED, 0), prefix);
    Ok(TraceFilter {
        until: 0,
        rate: question.rate.clamp(1, TraceRequest::MAX_RATE),
        client_bits,
        client,
        vip: question.vip.map_or(Address::UNSPECIFIED, Address::from),
        port: Be16::new(question.port.unwrap_or(0)),
        protocol: question.protocol.map_or(0, |protocol| protocol.number().into()),
        padding: 0,
        verdicts,
    })
}

/// A prefix as the program compares it: IPv4 addresses are mapped.
fn prefix(prefix: Prefix) -> (Address, u32) {
    let family_bits = if prefix.address.is_ipv4() { 96 } else { 0 };
    (prefix.address.into(), family_bits + u32::from(prefix.len))
}

/// The verdicts with this name or of this kind, as bits.
fn verdicts(name: &str) -> Result<[u64; 2], Refused> {
    let named = Verdict::all().filter(|verdict| verdict.name() == name || verdict.action() == name);
    let bits = named.fold(0u128, |bits, verdict| bits | 1 << verdict.number());
    if bits == 0 {
        let reason = format!(
            "no verdict is called {name:?}: use forwarded, answered, passed, dropped, or a reason that `handoff counters --all` shows"
        );
        return Err(Refused::invalid(reason));
    }
    Ok([bits as u64, (bits >> 64) as u64])
}

fn line(known: &Known, names: &Names<'_>, record: &TraceRecord, at: SystemTime, missed: u64) -> TraceLine {
    let verdict = Verdict::all().find(|verdict| verdict.number() == u32::from(record.verdict));
    let service = (record.service != Subject::VIP.0).then(|| names.service(record.service).to_owned());
    let link = known.network.links.get(&record.ingress);
    let FlowKey { source, destination, protocol, .. } = record.key;
    let has_addresses = destination != Address::UNSPECIFIED;
    TraceLine {
        time: humantime::format_rfc3339_micros(at).to_string(),
        interface: link.map_or_else(|| record.ingress.to_string(), |link| link.name.clone()),
        tuple: tuple(&record.key),
        addresses: has_addresses.then(|| [IpAddr::from(source), IpAddr::from(destination)]),
        ip_protocol: protocol,
        flags: (protocol == u32::from(protocol::TCP)).then(|| Flags::from_bits(record.flags as u8)),
        len: record.len,
        action: verdict.map_or("unknown", Verdict::action).to_owned(),
        reason: verdict.map_or("unknown", Verdict::name).to_owned(),
        service,
        backend: names.backend(record.slot).map(|named| named.name.clone()),
        missed,
    }
}

/// The flow of a packet that shows its ports.
fn tuple(key: &FlowKey) -> Option<FlowTuple> {
    let at = |address, port: Be16| SocketAddr::new(address, port.get());
    if key.ports.destination.raw() == 0 {
        return None;
    }
    Some(FlowTuple {
        client: at(key.source.into(), key.ports.source),
        vip: at(key.destination.into(), key.ports.destination),
        protocol: Protocol::from_number(key.protocol)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::core::Core;
    use crate::agent::testing::{agent, ask, question, send};
    use crate::control::{Question, RefusedKind};
    use crate::dataplane::memory::MemoryDataplane;

    const ALL: TraceRequest = TraceRequest {
        client: None,
        vip: None,
        port: None,
        protocol: None,
        verdict: None,
        rate: 100,
        count: None,
        duration_s: None,
    };

    fn begin(core: &mut Core<MemoryDataplane>, question: TraceRequest) -> Result<mpsc::Receiver<TraceLine>, Refused> {
        ask(core, |lines| Question::Trace(question, lines))
    }

    /// What a trace shows of a connection's beginning, a stranger's packet and one that is denied: flags, reason, back-end.
    fn traced(trace: TraceRequest) -> Vec<(String, String, Option<String>)> {
        let mut core = agent();
        let mut lines = begin(&mut core, trace).expect("nobody else traces");
        for (client, vip, flags) in [
            ("203.0.113.7:40000", "192.0.2.10:443", "syn"),
            ("203.0.113.7:40000", "192.0.2.10:443", "ack"),
            ("198.51.100.1:1", "192.0.2.10:80", "syn"),
            ("203.0.113.66:1", "192.0.2.10:443", "syn"),
        ] {
            send(&mut core, &question(client, vip, Protocol::Tcp, Some(flags)));
        }
        core.follow_trace();
        let mut shown = Vec::new();
        while let Ok(line) = lines.try_recv() {
            shown.push((line.flags.map_or_else(String::new, |flags| flags.to_string()), line.reason, line.backend));
        }
        shown
    }

    fn line(flags: &str, reason: &str, backend: Option<&str>) -> (String, String, Option<String>) {
        (flags.to_owned(), reason.to_owned(), backend.map(str::to_owned))
    }

    #[test]
    fn a_trace_shows_what_is_asked_for() {
        let (new, known) = (line("syn", "new-flow", Some("server-1")), line("ack", "remembered", Some("server-1")));
        let (stranger, denied) = (line("syn", "no-service", None), line("syn", "denied", None));
        for (question, expected) in [
            (ALL, vec![new.clone(), known.clone(), stranger.clone(), denied.clone()]),
            (TraceRequest { client: "203.0.113.0/26".parse().ok(), ..ALL }, vec![new.clone(), known.clone()]),
            (TraceRequest { port: Some(80), ..ALL }, vec![stranger]),
            (TraceRequest { verdict: Some("dropped".to_owned()), ..ALL }, vec![denied]),
            (TraceRequest { verdict: Some("remembered".to_owned()), ..ALL }, vec![known]),
            (TraceRequest { count: Some(1), ..ALL }, vec![new]),
            (TraceRequest { protocol: Some(Protocol::Udp), ..ALL }, vec![]),
            (TraceRequest { vip: "192.0.2.11".parse().ok(), ..ALL }, vec![]),
        ] {
            assert_eq!(traced(question.clone()), expected, "{question:?}");
        }
    }

    #[test]
    fn one_traces_at_a_time_until_the_reader_is_gone() {
        let mut core = agent();
        let lines = begin(&mut core, ALL).expect("nobody else traces");
        assert!(matches!(begin(&mut core, ALL), Err(Refused { kind: RefusedKind::Conflict, .. })));
        core.follow_trace();
        assert!(core.is_tracing());
        drop(lines);
        core.follow_trace();
        assert!(!core.is_tracing());
        send(&mut core, &question("203.0.113.7:1", "192.0.2.10:443", Protocol::Tcp, None));
        assert_eq!(core.dataplane().next_record(), None, "the filter stayed");
        assert!(begin(&mut core, ALL).is_ok());
    }

    #[test]
    fn a_trace_ends_when_its_time_is_over() {
        let mut core = agent();
        let _lines = begin(&mut core, TraceRequest { duration_s: Some(0), ..ALL });
        core.follow_trace();
        assert!(!core.is_tracing());
    }

    #[test]
    fn a_verdict_that_does_not_exist_is_refused() {
        let refusal = begin(&mut agent(), TraceRequest { verdict: Some("lost".to_owned()), ..ALL });
        assert!(matches!(refusal, Err(Refused { kind: RefusedKind::Invalid, .. })));
    }
}
