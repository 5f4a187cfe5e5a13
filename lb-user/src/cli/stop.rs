use crate::agent;
use crate::config::{DEFAULT_PIN_FOLDER, DEFAULT_SOCKET};
use crate::control::types::Stop;
use crate::control::{self, Client};
use anyhow::{Context, bail};
use std::fs;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

/// Stop the agent. Forwarding goes on without it, unless --purge ends that too.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  handoff stop            the agent ends, packets are still forwarded\n  handoff stop --drain    first the VIPs are withdrawn, if they are announced\n  handoff stop --purge    forwarding ends: program, flows and counters are gone"
)]
pub(super) struct Args {
    /// The agent's control socket.
    #[arg(long, value_name = "PATH", default_value = DEFAULT_SOCKET, env = "HANDOFF_SOCKET")]
    socket: PathBuf,
    /// Withdraw the VIPs first, and wait for clients to find another way (announce: drain-wait).
    #[arg(long)]
    drain: bool,
    /// Detach the XDP program and let go of flows and counters, also those that an agent left that is gone.
    #[arg(long)]
    purge: bool,
    /// Where such an agent pinned its maps.
    #[arg(long, value_name = "FOLDER", default_value = DEFAULT_PIN_FOLDER, requires = "purge")]
    pin_folder: PathBuf,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    match super::wait(Client::new(&args.socket).stop(Stop { purge: args.purge, drain: args.drain }))? {
        Ok(()) => wait_for_end(&args.socket)?,
        Err(control::Error::Connect { .. }) if args.purge => {
            if !agent::purge(&args.pin_folder)? {
                println!("nothing to stop: no agent answers, and nothing is pinned in {}", args.pin_folder.display());
                return Ok(ExitCode::SUCCESS);
            }
            remove_socket(&args.socket)?;
        }
        Err(error) => return Err(error.into()),
    }
    println!(
        "{}",
        if args.purge {
            "stopped: forwarding has ended"
        } else {
            "stopped: forwarding goes on without the agent; end it with `handoff stop --purge`"
        }
    );
    Ok(ExitCode::SUCCESS)
}

/// Removes the socket of an agent that was killed.
fn remove_socket(socket: &Path) -> anyhow::Result<()> {
    if fs::metadata(socket).is_ok_and(|found| found.file_type().is_socket()) {
        fs::remove_file(socket).with_context(|| format!("{}: cannot remove the control socket", socket.display()))?;
    }
    Ok(())
}

/// The agent removes its socket when it ends.
fn wait_for_end(socket: &Path) -> anyhow::Result<()> {
    const PATIENCE: Duration = Duration::from_secs(10);
    let start = Instant::now();
    while socket.exists() {
        if start.elapsed() > PATIENCE {
            bail!("{}: the agent has not ended within {} s: look at its log", socket.display(), PATIENCE.as_secs());
        }
        thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}
