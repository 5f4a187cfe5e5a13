use super::{Asking, output, plan, wait};
use std::path::PathBuf;
use std::process::ExitCode;

/// Make the running agent follow a configuration: all of it, or nothing on any error.
///
/// When it comes from another file than the agent's own, the agent's own is replaced by it, so that a restart changes nothing. What held
/// before is kept as a generation: `handoff rollback` goes back to it.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  handoff apply                the agent's own file, after it was edited\n  handoff apply new.toml"
)]
pub(super) struct Args {
    /// The configuration; without it, the agent's own file as it is now.
    file: Option<PathBuf>,
    /// Do it even when fewer back-ends than min-ready would get new flows.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    asking: Asking,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let report = wait(args.asking.client().apply(&plan::request(args.file.as_deref(), args.force)?))??;
    output::print(args.asking.json, &report, |report| {
        format!("{}\ngeneration {} holds", plan::text(report), report.generation)
    })
}
