use super::super::core::Known;
use super::super::names::Names;
use crate::config::Protocol;
use crate::control::types::{Flags, FlowTuple, TraceLine};
use lb_common::abi::{Address, CaptureRecord};
use lb_common::flow::FlowKey;
use lb_common::verdict::{Subject, Verdict};
use lb_common::wire::{Be16, protocol};
use std::net::{IpAddr, SocketAddr};
use std::time::SystemTime;

/// A record as a line. `missed` is how many records before it were not made.
pub(super) fn line(known: &Known, names: &Names<'_>, record: &CaptureRecord, at: SystemTime, missed: u64) -> TraceLine {
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
    use crate::control::Refused;
    use crate::control::types::TraceRequest;
    use crate::control::{Question, RefusedKind};
    use crate::dataplane::Recorder;
    use crate::dataplane::memory::MemoryDataplane;
    use tokio::sync::mpsc;

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
        core.follow_records();
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
        core.follow_records();
        assert!(core.is_recording());
        drop(lines);
        core.follow_records();
        assert!(!core.is_recording());
        send(&mut core, &question("203.0.113.7:1", "192.0.2.10:443", Protocol::Tcp, None));
        assert_eq!(core.dataplane().next_record(), None, "the filter stayed");
        assert!(begin(&mut core, ALL).is_ok());
    }

    #[test]
    fn a_trace_ends_when_its_time_is_over() {
        let mut core = agent();
        let _lines = begin(&mut core, TraceRequest { duration_s: Some(0), ..ALL });
        core.follow_records();
        assert!(!core.is_recording());
    }

    #[test]
    fn a_verdict_that_does_not_exist_is_refused() {
        let refusal = begin(&mut agent(), TraceRequest { verdict: Some("lost".to_owned()), ..ALL });
        assert!(matches!(refusal, Err(Refused { kind: RefusedKind::Invalid, .. })));
    }
}
