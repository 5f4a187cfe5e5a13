use anyhow::Context;
use std::path::PathBuf;
use std::process::ExitCode;

/// Write the manual pages, one for each command.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  handoff man /usr/local/share/man/man1")]
pub(super) struct Args {
    /// Folder that they are written to, which must be there.
    folder: PathBuf,
}

pub(super) fn run(args: &Args, command: clap::Command) -> anyhow::Result<ExitCode> {
    clap_mangen::generate_to(command, &args.folder)
        .with_context(|| format!("{}: cannot write the manual pages", args.folder.display()))?;
    Ok(ExitCode::SUCCESS)
}
