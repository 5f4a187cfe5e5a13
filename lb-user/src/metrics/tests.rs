use super::*;
use crate::control::types::FlowTableStatus;
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
    Readings { status, services: Vec::new(), backends: Vec::new(), verdicts: vec![verdict] }
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
