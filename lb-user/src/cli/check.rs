use crate::agent;
use crate::config::{Config, DEFAULT_FILE};
use crate::network::Monitor;
use std::path::PathBuf;
use std::process::ExitCode;

/// Check a configuration, and whether it fits this machine's network. Changes nothing.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  handoff check --config handoff.toml")]
pub(super) struct Args {
    /// The configuration.
    #[arg(long, value_name = "FILE", default_value = DEFAULT_FILE)]
    config: PathBuf,
    /// Look at the file alone: it is for another machine.
    #[arg(long)]
    offline: bool,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let config = Config::load(&args.config)?;
    if !args.offline {
        let routed = agent::routed(&config);
        let network = super::wait(async { Monitor::start().await?.snapshot(&routed).await })??;
        agent::check_network(&args.config, &config, &network)?;
        for warning in agent::unreachable_now(&args.config, &config, &network) {
            eprintln!("handoff: warning: {warning}");
        }
    }
    let backends: usize = config.services.iter().map(|service| service.backends.len()).sum();
    println!("{}: good: {} services, {backends} back-ends", args.config.display(), config.services.len());
    Ok(ExitCode::SUCCESS)
}
