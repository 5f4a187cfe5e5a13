use crate::cli::output::{self, Row, number};
use crate::cli::{Asking, wait};
use crate::control::types::{NodeStatus, ProbeOutcome, RingStatus};
use std::process::ExitCode;
use std::time::Duration;

/// How the rings stand: keys by their ids, who has them, and whether sessions are resumed.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  handoff tickets status --json")]
pub(super) struct Args {
    #[command(flatten)]
    asking: Asking,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let rings = wait(args.asking.client().tickets())??;
    output::print(args.asking.json, &rings, |rings| {
        if rings.is_empty() {
            return "no ring is configured: see [tickets] in the configuration".to_owned();
        }
        rings.iter().map(ring).collect::<Vec<_>>().join("\n\n\n")
    })
}

/// Everything about a ring.
pub(super) fn ring(ring: &RingStatus) -> String {
    let due = match ring.due_in_s {
        late if late < 0.0 => format!("due since {}", seconds(-late)),
        due => format!("due in {}", seconds(due)),
    };
    let waiting = if ring.held { ", waits for nodes" } else { "" };
    let heading = format!(
        "ring {}: {}, {}, version {}, rotation every {} {due}{waiting}",
        ring.name,
        ring.identity,
        ring.server,
        ring.version,
        seconds(ring.rotation_s)
    );
    [heading, keys(ring), nodes(ring), probes(ring)]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join("\n\n")
}

fn keys(ring: &RingStatus) -> String {
    let rows = ring.keys.iter().map(|key| vec![key.id.to_string(), key.state.to_string(), seconds(key.age_s)]);
    output::table(&["KEY", "STATE", "AGE>"], rows)
}

fn nodes(ring: &RingStatus) -> String {
    let rows = ring.nodes.iter().map(|node| {
        let cells = vec![
            node.name.clone(),
            node.state.map_or_else(|| "never heard".to_owned(), |state| state.to_string()),
            node.version.map_or_else(String::new, |version| version.to_string()),
            node.lag.map_or_else(|| "-".to_owned(), |lag| lag.to_string()),
            node.driver.clone().unwrap_or_default(),
            node.seen_s_ago.map_or_else(String::new, |ago| format!("{} ago", seconds(ago))),
            node.error.clone().unwrap_or_default(),
        ];
        Row::marked(cells, is_behind(node))
    });
    output::table(&["NODE", "KEYS OF", "VERSION", "LAG>", "DRIVER", "HEARD>", "ERROR"], rows)
}

/// Whether sessions that are made there now may not be resumed elsewhere.
fn is_behind(node: &NodeStatus) -> bool {
    node.error.is_some() || node.lag.is_none_or(|lag| lag > 1)
}

fn probes(ring: &RingStatus) -> String {
    if ring.probes.is_empty() {
        return String::new();
    }
    let rows = ring.probes.iter().map(|probe| {
        let outcome = match probe.outcome {
            ProbeOutcome::Resumed => "resumed",
            ProbeOutcome::Full => "full handshake",
            ProbeOutcome::Failed => "failed",
        };
        let cells = vec![
            probe.service.clone(),
            probe.from.clone(),
            probe.to.clone(),
            probe.tls.clone(),
            outcome.to_owned(),
            number(probe.resumed),
            number(probe.full),
            format!("{} ago", seconds(probe.s_ago)),
            probe.error.clone().unwrap_or_default(),
        ];
        Row::marked(cells, probe.outcome != ProbeOutcome::Resumed)
    });
    output::table(&["SERVICE", "SESSION OF", "TRIED ON", "TLS", "OUTCOME", "RESUMED>", "FULL>", "WHEN>", "ERROR"], rows)
}

/// A time to the second; below ten, to a tenth.
pub(super) fn seconds(seconds: f64) -> String {
    if seconds < 10.0 {
        return format!("{seconds:.1}s");
    }
    humantime::format_duration(Duration::from_secs(seconds as u64)).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_ring_looks_as_the_documentation_shows_it() {
        let version = json!({ "term": 1_772_438_400_u64, "epoch": 3 });
        let key = |state: &str, id: &str, age_s: f64| json!({ "state": state, "id": id, "age_s": age_s });
        let node = |name: &str, seen_s_ago: f64| {
            json!({
                "name": name, "state": "cluster", "version": version, "lag": 0, "driver": "nginx",
                "seen_s_ago": seen_s_ago, "error": null,
            })
        };
        let probe = |from: &str, to: &str, tls: &str| {
            json!({
                "service": "web", "from": from, "to": to, "tls": tls, "outcome": "resumed", "error": null,
                "s_ago": 12.3, "resumed": 277, "full": 0,
            })
        };
        let status = json!({
            "name": "shop", "services": ["web"], "identity": "www.example.com", "server": "nginx", "version": version,
            "rotation_s": 3_600.0, "lifetime_s": 3_600.0, "due_in_s": 2_472.5, "held": false, "rotations": 2,
            "keys": [
                key("old", "c41d02f6b8e7", 8_328.0),
                key("active", "7d0c5b1e9a42", 4_728.0),
                key("next", "e09f3ac81d55", 1_128.0),
            ],
            "nodes": [node("web-1", 8.4), node("web-2", 21.0), {
                "name": "web-3", "state": null, "version": null, "lag": null, "driver": null, "seen_s_ago": null,
                "error": null,
            }],
            "probes": [
                probe("web-1", "web-2", "1.2"),
                probe("web-1", "web-2", "1.3"),
                probe("web-2", "web-1", "1.2"),
                probe("web-2", "web-1", "1.3"),
            ],
        });
        let shown = ring(&serde_json::from_value(status).unwrap());
        let shown = anstream::adapter::strip_str(&shown).to_string();
        assert!(include_str!("../../../../docs/tickets.md").contains(&shown), "{shown}");
    }
}
