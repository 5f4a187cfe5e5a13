use crate::tickets::keeper::cluster::SealKey;
use anyhow::Context;
use std::path::PathBuf;
use std::process::ExitCode;

/// Make the key by which agents that serve the same rings seal them for each other, and print its public half.
///
/// Each agent has one of its own; the public ones are in the configuration of all agents.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  handoff tickets seal-key --output /etc/handoff/tickets/seal.key")]
pub(super) struct Args {
    /// File to make. It must not be there.
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let key = SealKey::random().context("the kernel gives no random bytes")?;
    key.save(&args.output)?;
    println!("{}", key.public());
    Ok(ExitCode::SUCCESS)
}
