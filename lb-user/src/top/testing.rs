//! Pictures for tests: of an agent with a service of two back-ends, second by second.

use super::View;
use crate::config::Protocol;
use crate::control::types::{FlowList, FlowState, FlowStatus, FlowTuple, Snapshot};
use serde_json::json;
use std::time::{Duration, Instant};

/// What an agent says `second` seconds after it began: each has the same traffic.
pub(crate) fn snapshot(second: u64) -> Snapshot {
    let backend = |name: &str, address: &str, state: &str, share: u64, live: u64| {
        json!({
            "service": "web", "name": name, "address": address, "weight": 1, "configured_weight": null, "state": state,
            "reason": null, "health": {"state": "up", "latency_ms": 0.4, "last_error": null, "since_s": second},
            "interface": "eth0", "mac": "02:00:00:00:00:01", "new_flows": share * second / 10, "share": share as f64 / 1000.0,
            "live_flows": live, "packets": share * second, "bytes": 100 * share * second, "fragments": 0, "icmp_errors": 0,
        })
    };
    let verdict = |action: &str, reason: &str, packets: u64| json!({"action": action, "reason": reason, "packets": packets, "bytes": 60 * packets, "sizes": [packets, 0, 0, 0, 0, 0, 0]});
    let snapshot = json!({
        "unix_ms": 1_700_000_000_000_u64 + 1_000 * second,
        "status": {
            "version": "1.2.3", "pid": 1, "uptime_s": second, "config": "/etc/handoff/handoff.toml", "generation": 3, "overrides": 0,
            "pin_folder": "/sys/fs/bpf/handoff", "abi": 7,
            "interfaces": [{"name": "eth0", "ifindex": 2, "mac": "02:00:00:00:00:02", "up": true, "xdp": "native"}],
            "flow_table": {"capacity": 1_048_576, "bytes": 16 << 20, "key_bytes": 0, "live": 30},
            "services": 1, "backends": 2, "ready": 1, "ns_per_packet": 45.0, "announced": [], "failure": null,
        },
        "services": [{
            "name": "web", "vip": "192.0.2.1", "ports": "443", "protocol": "tcp", "scheduler": "round-robin", "forwarding": "l2-dsr",
            "backends": 2, "ready": 1, "all_down": null, "new_flows": 100 * second, "live_flows": 30, "packets": 1_000 * second,
            "bytes": 100_000 * second, "unknown_flows": 0, "table_full": 0, "affinity": 0, "flood": 0, "one_packet": 0, "quic": 0,
            "fragments": 0, "icmp_errors": 0, "too_big": 0, "dropped": 7 * second,
        }],
        "backends": [
            backend("server-1", "198.18.1.1", "ready", 600, 20),
            backend("server-2", "198.18.1.2", "draining", 400, 10),
        ],
        "verdicts": [
            verdict("forwarded", "remembered", 1_000 * second),
            verdict("dropped", "denied", 7 * second),
            verdict("dropped", "no-backend", 0),
        ],
        "traffic": {
            "protocols": [
                {"link": "ethernet", "network": "ipv4", "transport": "tcp", "packets": 900 * second, "bytes": 90_000 * second},
                {"link": "ethernet", "network": "ipv6", "transport": "udp", "packets": 100 * second, "bytes": 10_000 * second},
            ],
            "tcp": {"syn": 100 * second, "fin": 90 * second, "rst": 1, "other": 700 * second},
            "applications": [{"application": "HTTPS", "services": 1, "packets": 1_000 * second, "bytes": 100_000 * second,
                "new_flows": 100 * second, "live_flows": 30}],
            "sizes": [700 * second, 200 * second, 50 * second, 30 * second, 10 * second, 10 * second, 0],
            "fairness": [{"service": "web", "backends": 2, "max_over_mean": 1.2, "jain": 0.962}],
        },
        "samples": {
            "window_s": 60, "one_packet_in": 64, "one_flow_in": 64, "taken": 10, "missed": 0,
            "talkers": [{"client": "198.18.0.1", "packets": 600, "bytes": 60_000, "error": 0, "share": 0.6}],
            "flow_sizes": [{"application": "HTTPS", "flows": 5, "mean_bytes": 800.0, "mean_packets": 8.0, "mean_duration_s": 0.5,
                "sizes": [{"up_to_bytes": 512, "flows": 1}, {"up_to_bytes": 1024, "flows": 4}]}],
            "hellos": [],
        },
        "tickets": [],
    });
    serde_json::from_value(snapshot).unwrap()
}

/// A view that has seen three seconds.
pub(super) fn view() -> View {
    let start = Instant::now();
    let mut view = View::new(snapshot(1), None, start);
    for second in 2..=3 {
        view.update(snapshot(second), start + Duration::from_secs(second - 1));
    }
    view
}

/// Two flows, of which one is not known by name.
pub(super) fn flows() -> FlowList {
    let (client, vip) = ("198.18.0.1:40000".parse().unwrap(), "192.0.2.1:443".parse().unwrap());
    let flow = |tuple| FlowStatus {
        tuple,
        service: "web".to_owned(),
        backend: "server-1".to_owned(),
        state: FlowState::Established,
        idle_s: 2,
        expires_in_s: 298,
    };
    let known = flow(Some(FlowTuple { client, vip, protocol: Protocol::Tcp }));
    FlowList { keys: true, matched: 30, flows: vec![known, flow(None)] }
}
