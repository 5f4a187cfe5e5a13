use super::status::seconds;
use crate::cli::output::{self, Row};
use crate::cli::{Asking, wait};
use crate::control::types::RingStatus;
use std::process::ExitCode;

/// Which rings there are, in a line each.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  handoff tickets rings")]
pub(super) struct Args {
    #[command(flatten)]
    asking: Asking,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let rings = wait(args.asking.client().tickets())??;
    output::print(args.asking.json, &rings, |rings| table(rings))
}

fn table(rings: &[RingStatus]) -> String {
    let columns = ["RING", "SERVICES", "IDENTITY", "SERVER", "ROTATION>", "TICKETS LIVE>", "VERSION", "NODES>"];
    let rows = rings.iter().map(|ring| {
        let current = ring.nodes.iter().filter(|node| node.lag == Some(0)).count();
        let cells = vec![
            ring.name.to_string(),
            ring.services.join(", "),
            ring.identity.clone(),
            ring.server.to_string(),
            seconds(ring.rotation_s),
            seconds(ring.lifetime_s),
            ring.version.to_string(),
            format!("{current}/{}", ring.nodes.len()),
        ];
        Row::marked(cells, current < ring.nodes.len())
    });
    output::table(&columns, rows)
}
