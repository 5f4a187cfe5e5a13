//! What the counters point to.

use super::{Check, Finding};
use crate::config::Config;
use crate::control::types::{ServiceStatus, VerdictCounter};

/// More unknown flows than this for a new one are not the few that a start or a change of the network brings.
const UNKNOWN_SHARE: u64 = 10;
/// Fewer than this say nothing.
const UNKNOWN_LEAST: u64 = 100;
/// Reason of packets that no back-end was there for.
const NO_BACKEND: &str = "no-backend";

/// What is to be said of the counters that the agent tells.
pub(super) fn findings(config: &Config, services: &[ServiceStatus], verdicts: &[VerdictCounter]) -> Vec<Finding> {
    let services = services.iter().flat_map(|service| of_service(config, service));
    services.chain(dropped(verdicts)).collect()
}

fn of_service(config: &Config, service: &ServiceStatus) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut add = |check, words: &[(&str, &dyn std::fmt::Display)], found: String| {
        findings.push(Finding::new(check, &service.name, words, found));
    };
    if service.packets == 0 && service.dropped == 0 {
        let interface = config.interfaces.first().map_or("INTERFACE", |name| name.as_str());
        let text = format!("no packet for {} port {}", service.vip, service.ports);
        add(Check::NoPackets, &[("INTERFACE", &interface), ("VIP", &service.vip)], text);
    }
    if service.table_full > 0 {
        add(Check::TableFull, &[], format!("{} new flows found no room", service.table_full));
    }
    let (unknown, new) = (service.unknown_flows, service.new_flows);
    if unknown >= UNKNOWN_LEAST && unknown > new.saturating_mul(UNKNOWN_SHARE) {
        add(Check::UnknownFlows, &[], format!("{unknown} packets of unknown flows, {new} new flows"));
    }
    findings
}

fn dropped(verdicts: &[VerdictCounter]) -> Vec<Finding> {
    let dropped = verdicts.iter().filter(|verdict| verdict.action == "dropped" && verdict.packets > 0);
    let (without_backend, others): (Vec<_>, Vec<_>) = dropped.partition(|verdict| verdict.reason == NO_BACKEND);
    let without_backend = without_backend
        .into_iter()
        .map(|verdict| Finding::new(Check::DroppedNoBackend, "", &[], format!("{} packets", verdict.packets)));
    let reasons: Vec<_> = others.iter().map(|verdict| format!("{} {}", verdict.packets, verdict.reason)).collect();
    let others = (!reasons.is_empty()).then(|| Finding::new(Check::DroppedPackets, "", &[], reasons.join(", ")));
    without_backend.chain(others).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Ports, Protocol, Scheduler};
    use std::path::Path;

    fn names(change: impl FnOnce(&mut ServiceStatus), dropped: &[(&str, u64)]) -> Vec<&'static str> {
        let text = "[agent]\ninterfaces = [\"eth0\"]\n";
        let config = Config::parse(Path::new("test"), text).expect("a configuration");
        let mut service = ServiceStatus {
            name: "web".to_owned(),
            vip: [192, 0, 2, 10].into(),
            ports: Ports::One(80),
            protocol: Protocol::Tcp,
            scheduler: Scheduler::RoundRobin,
            forwarding: "l2-dsr".to_owned(),
            backends: 1,
            ready: 1,
            all_down: None,
            new_flows: 100,
            live_flows: 0,
            packets: 2_000,
            bytes: 0,
            unknown_flows: 0,
            table_full: 0,
            affinity: 0,
            flood: 0,
            one_packet: 0,
            quic: 0,
            fragments: 0,
            icmp_errors: 0,
            too_big: 0,
            dropped: 0,
        };
        change(&mut service);
        let verdict = |&(reason, packets): &(&str, u64)| VerdictCounter {
            action: if reason == "remembered" { "forwarded" } else { "dropped" }.to_owned(),
            reason: reason.to_owned(),
            packets,
            bytes: 0,
            sizes: Default::default(),
        };
        let verdicts: Vec<_> = dropped.iter().map(verdict).collect();
        findings(&config, &[service], &verdicts).iter().map(|finding| finding.name).collect()
    }

    #[test]
    fn counters_that_point_to_trouble_are_told() {
        assert_eq!(names(|_| {}, &[("remembered", 2_000), ("land", 0)]), [""; 0]);
        assert_eq!(names(|service| service.packets = 0, &[]), ["no-packets"]);
        assert_eq!(names(|service| service.table_full = 1, &[]), ["table-full"]);
        assert_eq!(names(|service| service.unknown_flows = 1_000, &[]), [""; 0]);
        assert_eq!(names(|service| service.unknown_flows = 1_001, &[]), ["unknown-flows"]);
        let dropped = [("land", 3), ("no-backend", 5), ("bad-flags", 1)];
        assert_eq!(names(|_| {}, &dropped), ["dropped-no-back-end", "dropped-packets"]);
    }
}
