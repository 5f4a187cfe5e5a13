use super::output::{self, Row, bytes, number};
use super::{Asking, wait};
use crate::control::types::VerdictCounter;
use std::process::ExitCode;

/// What became of all packets, by verdict.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  handoff counters --all")]
pub(super) struct Args {
    #[command(flatten)]
    asking: Asking,
    /// Show verdicts without packets as well.
    #[arg(long)]
    all: bool,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let counters = wait(args.asking.client().counters())??;
    output::print(args.asking.json, &counters, |counters| table(counters, args.all))
}

fn table(counters: &[VerdictCounter], all: bool) -> String {
    let rows = counters.iter().filter(|counter| all || counter.packets > 0).map(|counter| {
        let cells = vec![counter.action.clone(), counter.reason.clone(), number(counter.packets), bytes(counter.bytes)];
        Row::marked(cells, counter.action == "dropped" && counter.packets > 0)
    });
    output::table(&["VERDICT", "REASON", "PACKETS>", "BYTES>"], rows)
}
