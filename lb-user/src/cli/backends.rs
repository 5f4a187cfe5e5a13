use super::output::{self, Row, bytes, number};
use super::{Asking, wait};
use crate::control::types::{BackendState, BackendStatus};
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
            backend.state.to_string(),
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
    backend.health.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string)
}

/// With the configured weight, where an operator said something else.
fn weight(backend: &BackendStatus) -> String {
    let configured = backend.configured_weight.map(|weight| format!(" (file: {weight})"));
    format!("{}{}", backend.weight, configured.unwrap_or_default())
}
