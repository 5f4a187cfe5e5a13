use super::output::{self, Row, bytes, number};
use super::{Asking, wait};
use crate::control::types::ServiceStatus;
use std::process::ExitCode;

/// What is balanced. Packets and bytes are the clients' half: back-ends answer the clients directly.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  handoff services --json")]
pub(super) struct Args {
    #[command(flatten)]
    asking: Asking,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let services = wait(args.asking.client().services())??;
    output::print(args.asking.json, &services, |services| table(services))
}

fn table(services: &[ServiceStatus]) -> String {
    let columns = [
        "SERVICE",
        "ADDRESS",
        "SCHEDULER",
        "FORWARDING",
        "READY>",
        "NEW FLOWS>",
        "LIVE>",
        "PACKETS>",
        "BYTES>",
        "UNKNOWN>",
        "TABLE FULL>",
        "DROPPED>",
    ];
    let rows = services.iter().map(|service| {
        let cells = vec![
            service.name.clone(),
            format!("{}:{}/{}", service.vip, service.ports, service.protocol),
            service.scheduler.to_string(),
            service.forwarding.clone(),
            format!("{}/{}", service.ready, service.backends),
            number(service.new_flows),
            number(service.live_flows),
            number(service.packets),
            bytes(service.bytes),
            number(service.unknown_flows),
            number(service.table_full),
            number(service.dropped),
        ];
        Row::marked(cells, service.ready < service.backends)
    });
    output::table(&columns, rows)
}
