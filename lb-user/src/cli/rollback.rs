use super::{Asking, output, plan, wait};
use crate::control::types::{Generation, RollbackRequest};
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Go back to a configuration that was applied before. The agent's own file says the same then.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  handoff rollback             to the one before\n  handoff rollback --list\n  handoff rollback --to 7"
)]
pub(super) struct Args {
    /// The generation to go back to; without it, the one before the current.
    #[arg(long, value_name = "NUMBER")]
    to: Option<u64>,
    /// Do it even when fewer back-ends than min-ready would get new flows.
    #[arg(long)]
    force: bool,
    /// List the generations that are kept.
    #[arg(long, conflicts_with_all = ["to", "force"])]
    list: bool,
    #[command(flatten)]
    asking: Asking,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let client = args.asking.client();
    if args.list {
        let generations = wait(client.generations())??;
        return output::print(args.asking.json, &generations, |generations| table(generations));
    }
    let report = wait(client.roll_back(RollbackRequest { to: args.to, force: args.force }))??;
    output::print(args.asking.json, &report, |report| {
        format!("{}\ngeneration {} holds", plan::text(report), report.generation)
    })
}

fn table(generations: &[Generation]) -> String {
    let rows = generations.iter().map(|generation| {
        let applied = generation.applied_unix_s.map_or_else(|| "-".to_owned(), time);
        vec![generation.number.to_string(), applied, if generation.is_current { "current" } else { "" }.to_owned()]
    });
    output::table(&["GENERATION>", "APPLIED", ""], rows)
}

/// A moment, given in seconds since 1970.
fn time(unix_s: u64) -> String {
    let moment: SystemTime = UNIX_EPOCH + Duration::from_secs(unix_s);
    humantime::format_rfc3339_seconds(moment).to_string()
}
