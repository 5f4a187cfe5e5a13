use clap_complete::Shell;
use std::io;
use std::process::ExitCode;

/// Print the completions for a shell.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  handoff completions bash > /etc/bash_completion.d/handoff")]
pub(super) struct Args {
    /// The shell.
    shell: Shell,
}

pub(super) fn run(args: &Args, command: &mut clap::Command) -> anyhow::Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, command, "handoff", &mut script);
    io::Write::write_all(&mut io::stdout(), &script)?;
    Ok(ExitCode::SUCCESS)
}
