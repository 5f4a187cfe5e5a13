use super::log::LogFormat;
use crate::agent;
use crate::config::{self, Config, DEFAULT_FILE};
use std::path::PathBuf;
use std::process::ExitCode;

/// Run the agent: load the XDP program, attach it, and keep it in line with the configuration and the network.
///
/// It runs in the foreground until SIGTERM or Ctrl-C; on SIGHUP it reads its configuration again. Forwarding goes on without it, and the next agent takes over with all flows and
/// counters; `handoff stop --purge` ends forwarding.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  handoff run --config /etc/handoff/handoff.toml")]
pub(super) struct Args {
    /// The configuration.
    #[arg(long, value_name = "FILE", default_value = DEFAULT_FILE)]
    config: PathBuf,
    /// How log lines look, which go to standard error.
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = LogFormat::Text)]
    log_format: LogFormat,
}

impl Args {
    pub(super) fn log_format(&self) -> LogFormat {
        self.log_format
    }
}

pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let text = config::read(&args.config)?;
    let config = Config::parse(&args.config, &text)?;
    agent::give_up_others(&config)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let path = std::path::absolute(&args.config).unwrap_or(args.config);
    runtime.block_on(agent::run(path, text, config))?;
    Ok(ExitCode::SUCCESS)
}
