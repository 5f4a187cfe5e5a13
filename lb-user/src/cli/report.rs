use crate::report;
use std::path::PathBuf;
use std::process::ExitCode;

/// Make a page with graphs from what an experiment has found out: one HTML file, to look at or to print.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  handoff lab --experiment sessions --json sessions.json\n  handoff report sessions.json -o report.html"
)]
pub(super) struct Args {
    /// What `handoff lab --experiment sessions --json` has written.
    #[arg(value_name = "JSON")]
    file: PathBuf,
    /// The HTML file to write.
    #[arg(long, short, value_name = "HTML")]
    output: PathBuf,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    report::write_page(&args.file, &args.output)?;
    Ok(ExitCode::SUCCESS)
}
