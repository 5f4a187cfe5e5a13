//! What two configurations say differently, in words.

use crate::config::{Backend, Config, Service, TicketCluster, TicketRing, TlsIdentity};
use std::fmt::{Debug, Display};
use std::net::SocketAddr;
use std::path::Path;

/// The keys that only a new agent can follow, as far as they differ.
pub(in crate::agent) fn needs_restart(old: &Config, new: &Config) -> Vec<&'static str> {
    let keys = [
        ("agent: control-socket", old.control_socket != new.control_socket),
        ("agent: pin-folder", old.pin_folder != new.pin_folder),
        ("agent: state-folder", old.state_folder != new.state_folder),
        ("agent: xdp-mode", old.xdp_mode != new.xdp_mode),
        ("api", old.api != new.api),
        ("dashboard", old.dashboard != new.dashboard),
        ("tickets: listen, certificate, key, client-ca, folder or cluster", listening(old) != listening(new)),
        ("agent: metrics", old.metrics != new.metrics),
        ("agent: measure-run-time", old.measure_run_time != new.measure_run_time),
        ("flow-table: flows", old.flow_table.flows != new.flow_table.flows),
        ("flow-table: keys", old.flow_table.keys != new.flow_table.keys),
        ("flow-table: clients", old.flow_table.clients != new.flow_table.clients),
    ];
    keys.into_iter().filter(|(_, differs)| *differs).map(|(key, _)| key).collect()
}

/// Where and how back-ends fetch ticket keys, if they do.
fn listening(config: &Config) -> Option<(SocketAddr, &TlsIdentity, &Path, Option<&TicketCluster>)> {
    let tickets = config.tickets.as_ref()?;
    Some((tickets.listen, &tickets.identity, &tickets.folder, tickets.cluster.as_ref()))
}

/// What holds for the whole program.
pub(in crate::agent) fn program_differences(old: &Config, new: &Config) -> Vec<String> {
    let mut found = Vec::new();
    let names = |config: &Config| config.interfaces.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    note(&mut found, "agent: interfaces", &names(old), &names(new));
    note_shape(&mut found, "agent: removal-grace", &old.removal_grace, &new.removal_grace);
    note(&mut found, "agent: watch", &old.watch, &new.watch);
    note_shape(&mut found, "icmp", &old.icmp, &new.icmp);
    note_shape(&mut found, "flow-table", &old.flow_table, &new.flow_table);
    note(&mut found, "tickets: rings", &rings(old), &rings(new));
    let revoked =
        |config: &Config| config.tickets.as_ref().map(|tickets| tickets.revoked_nodes.clone()).unwrap_or_default();
    note_shape(&mut found, "tickets: revoked-nodes", &revoked(old), &revoked(new));
    found
}

/// What a service says besides its back-ends.
pub(super) fn service_differences(old: &Service, new: &Service) -> Vec<String> {
    let mut found = Vec::new();
    note(&mut found, "name", &old.name, &new.name);
    note(&mut found, "port", &old.ports, &new.ports);
    note(&mut found, "scheduler", &old.scheduler, &new.scheduler);
    note(&mut found, "forwarding", &old.forwarding, &new.forwarding);
    note_shape(&mut found, "idle-timeout", &old.idle_timeout, &new.idle_timeout);
    note(&mut found, "one-packet", &old.one_packet, &new.one_packet);
    note_shape(&mut found, "affinity", &old.affinity, &new.affinity);
    if old.access != new.access {
        let [old, new] = [old, new].map(|service| service.access.rules.len());
        found.push(format!("access list: {old} prefixes -> {new}"));
    }
    note_shape(&mut found, "limits", &old.limits, &new.limits);
    if old.quic != new.quic {
        // There are keys in it.
        found.push("quic changes".to_owned());
    }
    if old.health != new.health {
        // There may be certificates in it.
        found.push("health changes".to_owned());
    }
    note_shape(&mut found, "slow-start", &old.slow_start, &new.slow_start);
    note_shape(&mut found, "all-down", &old.all_down, &new.all_down);
    note(&mut found, "min-ready", &old.min_ready, &new.min_ready);
    found
}

/// What a back-end says besides its address.
pub(super) fn backend_differences(old: &Backend, new: &Backend) -> Vec<String> {
    let mut found = Vec::new();
    note(&mut found, "name", &old.name, &new.name);
    note(&mut found, "weight", &old.weight, &new.weight);
    note_shape(&mut found, "vlan", &old.vlans, &new.vlans);
    note_shape(&mut found, "next hop", &old.next_hop, &new.next_hop);
    found
}

/// The rings of ticket keys, with their periods.
fn rings(config: &Config) -> String {
    let rings = config.tickets.iter().flat_map(|tickets| &tickets.rings);
    let ring = |ring: &TicketRing| {
        let (rotation, services) = (humantime::format_duration(ring.timing.rotation()), ring.services.join(" and "));
        format!("{} ({}, {services}, every {rotation})", ring.name, ring.server)
    };
    rings.map(ring).collect::<Vec<_>>().join(", ")
}

fn note<T: PartialEq + Display>(found: &mut Vec<String>, key: &str, old: &T, new: &T) {
    if old != new {
        found.push(format!("{key}: {old} -> {new}"));
    }
}

/// For what has no notation but that of programmers.
fn note_shape<T: PartialEq + Debug>(found: &mut Vec<String>, key: &str, old: &T, new: &T) {
    if old != new {
        found.push(format!("{key}: {old:?} -> {new:?}"));
    }
}
