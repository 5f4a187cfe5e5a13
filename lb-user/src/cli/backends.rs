use super::output::{self, Row, bytes, number};
use super::{Asking, wait};
use crate::control::types::{BackendState, BackendStatus, HealthState};
use std::process::ExitCode;

/// Who answers, and what each was handed. Packets and bytes are the clients' half: back-ends answer the clients directly.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  handoff backends --json")]
pub(super) struct Args {
    #[command(flatten)]
    asking: Asking,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let backends = wait(args.asking.client().backends())??;
    output::print(args.asking.json, &backends, |backends| table(backends))
}

fn table(backends: &[BackendStatus]) -> String {
    let columns = [
        "SERVICE",
        "BACK-END",
        "ADDRESS",
        "STATE",
        "WEIGHT>",
        "HEALTH",
        "INTERFACE",
        "MAC",
        "NEW FLOWS>",
        "SHARE>",
        "LIVE>",
        "PACKETS>",
        "BYTES>",
    ];
    let rows = backends.iter().map(|backend| {
        let cells = vec![
            backend.service.clone(),
            backend.name.clone(),
            backend.address.to_string(),
            state(backend.state).to_owned(),
            weight(backend),
            health(backend),
            backend.interface.clone().unwrap_or_else(|| "-".to_owned()),
            backend.mac.clone().unwrap_or_else(|| "-".to_owned()),
            number(backend.new_flows),
            format!("{:.1} %", 100.0 * backend.share),
            number(backend.live_flows),
            number(backend.packets),
            bytes(backend.bytes),
        ];
        Row::marked(cells, backend.state != BackendState::Ready)
    });
    let mut text = output::table(&columns, rows);
    for backend in backends {
        if let Some(reason) = &backend.reason {
            text += &format!("\n{}: {}: {reason}", backend.service, backend.name);
        }
    }
    text
}

fn health(backend: &BackendStatus) -> String {
    let Some(health) = &backend.health else { return "-".to_owned() };
    match (health.state, health.latency_ms) {
        (HealthState::Unknown, _) => "unknown".to_owned(),
        (HealthState::Down, _) => "down".to_owned(),
        (HealthState::Up, latency) => latency.map_or_else(|| "up".to_owned(), |latency| format!("up {latency:.1} ms")),
    }
}

/// With the configured weight, where an operator said something else.
fn weight(backend: &BackendStatus) -> String {
    let configured = backend.configured_weight.map(|weight| format!(" (file: {weight})"));
    format!("{}{}", backend.weight, configured.unwrap_or_default())
}

fn state(state: BackendState) -> &'static str {
    match state {
        BackendState::Ready => "ready",
        BackendState::Unreachable => "unreachable",
        BackendState::Starting => "starting",
        BackendState::Down => "down",
        BackendState::Draining => "draining",
        BackendState::Disabled => "disabled",
        BackendState::Leaving => "leaving",
    }
}
