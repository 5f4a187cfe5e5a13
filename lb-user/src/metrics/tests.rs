use super::*;
use crate::config::ServerKind;
use crate::control::types::{
    Fairness, FlowTableStatus, KeyStatus, NodeStatus, ProbeOutcome, ProtocolCounter, ServerNameCount, TcpCounter,
    TicketProbeStatus,
};
use crate::tickets::{Key, NodeState, SlotState, Version};
use std::collections::BTreeSet;
use std::path::PathBuf;

fn readings() -> Readings {
    let status = Status {
        version: "1.2.3".to_owned(),
        pid: 7,
        uptime_s: 60,
        config: PathBuf::new(),
        generation: 5,
        overrides: 1,
        pin_folder: PathBuf::new(),
        abi: 1,
        interfaces: Vec::new(),
        flow_table: FlowTableStatus { capacity: 1_024, bytes: 0, key_bytes: 0, live: 3 },
        services: 1,
        backends: 1,
        ready: 1,
        ns_per_packet: None,
        announced: Vec::new(),
        failure: None,
    };
    let verdict = VerdictCounter {
        action: "dropped".to_owned(),
        reason: "no-backend".to_owned(),
        packets: 9,
        bytes: 540,
        sizes: Default::default(),
    };
    Readings {
        status,
        services: Vec::new(),
        backends: Vec::new(),
        verdicts: vec![verdict],
        traffic: traffic(),
        hellos: vec![hellos()],
        tickets: vec![ring()],
    }
}

fn traffic() -> Traffic {
    let udp = ProtocolCounter {
        link: "vlan".to_owned(),
        network: "ipv6".to_owned(),
        transport: "udp".to_owned(),
        packets: 5,
        bytes: 500,
    };
    let fairness =
        |service: &str, max_over_mean, jain| Fairness { service: service.to_owned(), backends: 2, max_over_mean, jain };
    Traffic {
        protocols: vec![udp],
        tcp: TcpCounter { syn: 4, fin: 3, rst: 2, other: 1 },
        applications: Vec::new(),
        sizes: Default::default(),
        fairness: vec![fairness("web", Some(1.5), Some(0.8)), fairness("idle", None, None)],
    }
}

fn hellos() -> ClientHellos {
    ClientHellos {
        service: "web".to_owned(),
        seen: 9,
        tls13: 6,
        tls12: 2,
        older: 1,
        resumption: 4,
        cut: 0,
        server_names: vec![ServerNameCount { name: "secret.example".to_owned(), seen: 9 }],
    }
}

#[test]
fn traffic_is_there_by_protocol_and_names_of_servers_are_not() {
    let text = exposition(readings()).expect("text");
    for line in [
        "handoff_frames_total{link=\"vlan\",network=\"ipv6\",transport=\"udp\"} 5",
        "handoff_frame_bytes_total{link=\"vlan\",network=\"ipv6\",transport=\"udp\"} 500",
        "handoff_tcp_segments_total{flag=\"rst\"} 2",
        "handoff_service_max_over_mean{service=\"web\"} 1.5",
        "handoff_service_jain{service=\"web\"} 0.8",
        "handoff_tls_hellos{service=\"web\",version=\"1.3\"} 6.0",
        "handoff_tls_resumption_offers{service=\"web\"} 4.0",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
    // Before there was a flow there is nothing to compare.
    assert!(!text.contains("service=\"idle\"") && !text.contains("secret.example"), "{text}");
}

#[test]
fn dashboards_and_alerts_ask_for_what_there_is() {
    let mut readings = readings();
    readings.status.ns_per_packet = Some(45.0);
    let text = exposition(readings).expect("text");
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    let known: BTreeSet<String> =
        types.map(|(name, kind)| name.to_owned() + if kind == "counter" { "_total" } else { "" }).collect();

    let dashboard = include_str!("../../../docs/grafana/handoff.json");
    let is_json: serde_json::Value = serde_json::from_str(dashboard).expect("JSON");
    assert_eq!(is_json["title"], "Handoff");
    for text in [dashboard, include_str!("../../../docs/prometheus/handoff-alerts.yml")] {
        let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        let names: BTreeSet<&str> =
            text.split(|letter| !is_part(letter)).filter(|word| word.starts_with("handoff_")).collect();
        assert!(names.len() > 10, "{names:?}");
        let unknown: Vec<_> = names.iter().filter(|name| !known.contains(**name)).collect();
        assert!(unknown.is_empty(), "{unknown:?} are not among {known:?}");
    }
}

fn ring() -> RingStatus {
    let version = Version { term: 7, epoch: 12 };
    let node = |name: &str, state, lag: Option<u64>, error: Option<&str>| NodeStatus {
        name: name.to_owned(),
        state,
        version: state.map(|_| version),
        lag,
        driver: None,
        seen_s_ago: state.map(|_| 2.5),
        error: error.map(str::to_owned),
    };
    let probe = |to: &str, outcome| TicketProbeStatus {
        service: "web".to_owned(),
        from: "a".to_owned(),
        to: to.to_owned(),
        tls: "1.3".to_owned(),
        outcome,
        error: None,
        s_ago: 1.0,
        resumed: 5,
        full: 1,
    };
    RingStatus {
        name: "shop".to_owned().try_into().expect("a name"),
        services: vec!["web".to_owned()],
        identity: "www.example.com".to_owned(),
        server: ServerKind::Nginx,
        version,
        rotation_s: 3_600.0,
        lifetime_s: 3_600.0,
        due_in_s: 60.0,
        held: true,
        rotations: 11,
        keys: vec![KeyStatus { state: SlotState::Active, id: Key::random().expect("random bytes").id(), age_s: 9.5 }],
        nodes: vec![
            node("a", Some(NodeState::Cluster), Some(1), Some("nginx -t failed")),
            node("b", Some(NodeState::Local), None, None),
            node("c", None, None, None),
        ],
        probes: vec![
            probe("b", ProbeOutcome::Full),
            probe("c", ProbeOutcome::Failed),
            probe("d", ProbeOutcome::Resumed),
        ],
    }
}

#[test]
fn nodes_without_a_ring_have_no_lag_but_a_state() {
    let text = exposition(readings()).expect("text");
    for line in [
        "handoff_ticket_ring_epoch{ring=\"shop\"} 12.0",
        "handoff_ticket_ring_term{ring=\"shop\"} 7.0",
        "handoff_ticket_rotations_total{ring=\"shop\"} 11",
        "handoff_ticket_rotation_held{ring=\"shop\"} 1.0",
        "handoff_ticket_key_age_seconds{ring=\"shop\",state=\"active\"} 9.5",
        "handoff_ticket_node_lag{ring=\"shop\",node=\"a\"} 1.0",
        "handoff_ticket_node_errors{ring=\"shop\",node=\"a\"} 1.0",
        "handoff_ticket_node_errors{ring=\"shop\",node=\"b\"} 0.0",
        "handoff_ticket_node_seen_seconds{ring=\"shop\",node=\"b\"} 2.5",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
    let of = |metric: &str| text.lines().filter(|line| line.starts_with(&format!("{metric}{{"))).count();
    assert_eq!(
        ["lag", "state", "errors", "seen_seconds"].map(|it| of(&format!("handoff_ticket_node_{it}"))),
        [1, 3, 3, 2]
    );
    assert!(text.contains("node=\"c\",state=\"never-heard\"} 1.0"), "{text}");
}

#[test]
fn probes_without_an_answer_are_neither_resumed_nor_full() {
    let text = exposition(readings()).expect("text");
    let labels = |to: &str| format!("ring=\"shop\",service=\"web\",from=\"a\",to=\"{to}\",tls=\"1.3\"");
    for (to, outcome, count) in [("b", "resumed", 5), ("b", "full", 1)] {
        let line = format!("handoff_ticket_probe_total{{{},outcome=\"{outcome}\"}} {count}", labels(to));
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
    let last: Vec<_> =
        text.lines().filter_map(|line| line.strip_prefix("handoff_ticket_probe_resumed")).map(str::to_owned).collect();
    assert_eq!(last, [format!("{{{}}} 0.0", labels("b")), format!("{{{}}} 1.0", labels("d"))]);
}

#[test]
fn numbers_come_with_names_units_and_labels() {
    let text = exposition(readings()).expect("text");
    for line in [
        "handoff_build{version=\"1.2.3\"} 1.0",
        "# UNIT handoff_uptime_seconds seconds",
        "handoff_uptime_seconds 60.0",
        "handoff_config_generation 5.0",
        "handoff_flow_table_live 3.0",
        "# TYPE handoff_packets counter",
        "handoff_packets_total{action=\"dropped\",reason=\"no-backend\"} 9",
        "handoff_bytes_total{action=\"dropped\",reason=\"no-backend\"} 540",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
    assert!(text.ends_with("# EOF\n"));
}
