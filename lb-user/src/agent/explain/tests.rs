use crate::agent::core::Core;
use crate::agent::testing::{agent, ask, question, send};
use crate::config::Protocol;
use crate::control::types::{ExplainRequest, Explanation, Step};
use crate::control::{Question, Refused, RefusedKind};
use crate::dataplane::memory::MemoryDataplane;

fn explain(core: &mut Core<MemoryDataplane>, question: &ExplainRequest) -> Result<Explanation, Refused> {
    ask(core, |answer| Question::Explain(question.clone(), answer))
}

fn finding<'e>(explanation: &'e Explanation, step: &str) -> Option<&'e str> {
    explanation.steps.iter().find(|it| it.step == step).map(|Step { finding, .. }| finding.as_str())
}

#[test]
fn what_is_explained_happens_and_is_remembered() {
    let mut core = agent();
    let syn = question("203.0.113.7:40000", "192.0.2.10:443", Protocol::Tcp, None);
    let new = explain(&mut core, &syn).unwrap();
    assert_eq!((new.action.as_str(), new.reason.as_str()), ("forwarded", "new-flow"));
    assert_eq!(finding(&new, "packet"), Some("tcp syn from 203.0.113.7:40000 to 192.0.2.10:443, by eth0"));
    assert_eq!(finding(&new, "flow table"), Some("not known"));
    assert_eq!(finding(&new, "service"), Some("web"));
    assert_eq!(finding(&new, "access list"), Some("does not name the source"));
    assert_eq!(finding(&new, "ring"), Some("position 0 of 2, in turn: server-1"));
    assert_eq!(explain(&mut core, &syn).unwrap(), new, "explaining changes nothing");

    send(&mut core, &syn);
    let ack = ExplainRequest { flags: Some("ack".parse().unwrap()), ..syn };
    let known = explain(&mut core, &ack).unwrap();
    assert_eq!((known.reason.as_str(), &known.to), ("remembered", &new.to));
    assert_eq!(finding(&known, "flow table"), Some("known: half-open, silent for 0s, given to server-1"));
    assert_eq!(finding(&known, "service"), None, "a known flow needs none");
    assert!(known.changes[0].starts_with("1m 4s of silence"), "{:?}", known.changes);
}

#[test]
fn why_a_packet_goes_nowhere_is_explained() {
    let mut core = agent();
    for (client, vip, protocol, flags, reason, step, expected) in [
        ("203.0.113.66:1", "192.0.2.10:443", Protocol::Tcp, None, "denied", "access list", "denies the source"),
        (
            "203.0.113.7:1",
            "192.0.2.10:80",
            Protocol::Tcp,
            None,
            "no-service",
            "service",
            "none has port 80 of 192.0.2.10 for tcp",
        ),
        (
            "203.0.113.7:1",
            "192.0.2.11:80",
            Protocol::Tcp,
            None,
            "no-service",
            "vip",
            "192.0.2.11 is none: no service has this address",
        ),
        ("203.0.113.7:1", "192.0.2.10:443", Protocol::Tcp, Some("syn,fin"), "bad-flags", "vip", "192.0.2.10 is one"),
        ("203.0.113.7:1", "192.0.2.10:53", Protocol::Udp, None, "one-packet", "service", "dns"),
        (
            "203.0.113.7:1",
            "192.0.2.10:443",
            Protocol::Sctp,
            Some("ack"),
            "no-service",
            "service",
            "none has port 443 of 192.0.2.10 for sctp",
        ),
        (
            "[2001:db8::7]:1",
            "[2001:db8::10]:443",
            Protocol::Tcp,
            None,
            "no-service",
            "vip",
            "2001:db8::10 is none: no service has this address",
        ),
    ] {
        let explanation = explain(&mut core, &question(client, vip, protocol, flags)).unwrap();
        assert_eq!(explanation.reason, reason);
        assert_eq!(finding(&explanation, step), Some(expected), "{explanation:?}");
        assert!(!explanation.changes.is_empty());
    }
}

#[test]
fn what_makes_no_sense_is_refused() {
    let mut core = agent();
    for (client, vip, protocol, flags) in [
        ("203.0.113.7:1", "[2001:db8::10]:443", Protocol::Tcp, None),
        ("203.0.113.7:1", "192.0.2.10:53", Protocol::Udp, Some("syn")),
    ] {
        let refusal = explain(&mut core, &question(client, vip, protocol, flags));
        assert!(matches!(refusal, Err(Refused { kind: RefusedKind::Invalid, .. })), "{refusal:?}");
    }
}
