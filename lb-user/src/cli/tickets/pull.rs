use crate::agent::{Supervisor, signals::Signals};
use crate::tickets::node::{Config, Pull, Target};
use crate::tickets::{Folder, protect};
use anyhow::Context;
use std::path::PathBuf;
use std::process::ExitCode;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tracing::{info, warn};

/// On a back-end: fetch the keys from the agent, and give them to the web server here, until stopped.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  handoff tickets pull --config /etc/handoff/tickets.toml")]
pub(super) struct Args {
    /// The configuration of this client.
    #[arg(long, value_name = "FILE", default_value = Config::DEFAULT_FILE)]
    config: PathBuf,
    /// Only check the configuration and the folders.
    #[arg(long)]
    check: bool,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    protect()?;
    let config = Config::load(&args.config)?;
    let agents = config.agents().with_context(|| format!("{}: certificate and key", args.config.display()))?;
    let mut pulls = Vec::new();
    for ring in config.rings {
        let folder = Folder::open(&ring.folder)?;
        if let Some(warning) = folder.warning() {
            warn!(ring = %ring.name, "{warning}");
        }
        pulls.push(Pull::new(ring.name, agents.clone(), Target::Server { driver: ring.driver, folder }));
    }
    if args.check {
        println!("{}: {} rings, and their folders are in memory", args.config.display(), pulls.len());
        return Ok(ExitCode::SUCCESS);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(serve(pulls))
}

/// Keys stay in the files when it ends: the servers need them, and it goes on with them when it is started again.
async fn serve(pulls: Vec<Pull>) -> anyhow::Result<ExitCode> {
    let mut signals = Signals::catch()?;
    let mut supervisor = Supervisor::of_environment();
    info!(rings = pulls.len(), "running");
    let mut tasks = JoinSet::new();
    let mut waiting = JoinSet::new();
    for pull in pulls {
        let (ready, is_ready) = oneshot::channel();
        tasks.spawn(pull.run(ready));
        waiting.spawn(is_ready);
    }
    loop {
        tokio::select! {
            _ = signals.received() => break,
            () = supervisor.beat() => {}
            Some(_) = waiting.join_next() => if waiting.is_empty() {
                // Servers can be started.
                supervisor.ready();
            },
            // Only a panic ends one of them.
            Some(ended) = tasks.join_next() => ended?,
        }
    }
    supervisor.stopping();
    Ok(ExitCode::SUCCESS)
}
