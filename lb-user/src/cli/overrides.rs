//! What operators say about back-ends at run time: it holds over the configuration, also after a restart of the agent, until it is taken
//! back.

use super::{Asking, wait};
use crate::config::BackendName;
use crate::control::Client;
use crate::control::types::{BackendStatus, OverrideRequest, Verb};
use anyhow::bail;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// Which back-end.
#[derive(clap::Args)]
struct Target {
    /// The back-end's name.
    backend: String,
    /// Only in this service; without it, in every service that has such a back-end.
    #[arg(long, value_name = "NAME")]
    service: Option<String>,
    #[command(flatten)]
    asking: Asking,
}

/// Give a back-end no new flows; those that it has go on.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  handoff drain server-1 --wait")]
pub(super) struct DrainArgs {
    #[command(flatten)]
    target: Target,
    /// Do it even when fewer back-ends than min-ready are left.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    waiting: Waiting,
}

/// Give a drained back-end new flows again.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  handoff undrain server-1")]
pub(super) struct UndrainArgs {
    #[command(flatten)]
    target: Target,
}

/// Give a back-end no flows at all: those that it has are forgotten at once, and their packets go elsewhere, where nobody knows them.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  handoff disable server-1 --service web")]
pub(super) struct DisableArgs {
    #[command(flatten)]
    target: Target,
    /// Do it even when fewer back-ends than min-ready are left.
    #[arg(long)]
    force: bool,
}

/// Let a disabled back-end take flows again.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  handoff enable server-1")]
pub(super) struct EnableArgs {
    #[command(flatten)]
    target: Target,
}

/// Weigh a back-end otherwise than the configuration says.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  handoff weight server-1 20\n  handoff weight server-1 --reset")]
pub(super) struct WeightArgs {
    #[command(flatten)]
    target: Target,
    /// Its share of new flows, in proportion to the others; 0 for none.
    #[arg(required_unless_present = "reset", conflicts_with = "reset")]
    weight: Option<u16>,
    /// As the configuration says again.
    #[arg(long)]
    reset: bool,
    /// Do it even when fewer back-ends than min-ready are left.
    #[arg(long)]
    force: bool,
}

#[derive(clap::Args)]
struct Waiting {
    /// Wait until it has no live flows left.
    #[arg(long)]
    wait: bool,
    /// Wait no longer than that; the exit code is 1 then.
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration, requires = "wait")]
    timeout: Option<Duration>,
}

pub(super) fn drain(args: &DrainArgs) -> anyhow::Result<ExitCode> {
    let backends = say(&args.target, Verb::Drain, args.force)?;
    if args.waiting.wait {
        wait(until_idle(&args.target.asking.client(), &backends, args.waiting.timeout))??;
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) fn undrain(args: &UndrainArgs) -> anyhow::Result<ExitCode> {
    say(&args.target, Verb::Undrain, false).map(|_| ExitCode::SUCCESS)
}

pub(super) fn disable(args: &DisableArgs) -> anyhow::Result<ExitCode> {
    say(&args.target, Verb::Disable, args.force).map(|_| ExitCode::SUCCESS)
}

pub(super) fn enable(args: &EnableArgs) -> anyhow::Result<ExitCode> {
    say(&args.target, Verb::Enable, false).map(|_| ExitCode::SUCCESS)
}

pub(super) fn weight(args: &WeightArgs) -> anyhow::Result<ExitCode> {
    let verb = args.weight.map_or(Verb::ResetWeight, Verb::Weight);
    say(&args.target, verb, args.force).map(|_| ExitCode::SUCCESS)
}

/// Says it, and prints what holds then for each back-end that it is about.
fn say(target: &Target, verb: Verb, force: bool) -> anyhow::Result<Vec<BackendName>> {
    let request = OverrideRequest { service: target.service.clone(), backend: target.backend.clone(), verb, force };
    let client = target.asking.client();
    let (answer, backends) = wait(async { anyhow::Ok((client.say(&request).await?, client.backends().await?)) })??;
    let concerned: Vec<&BackendStatus> =
        backends.iter().filter(|backend| answer.backends.contains(&name(backend))).collect();
    super::output::print(target.asking.json, &concerned, |concerned| {
        let line = |backend: &&BackendStatus| {
            let reason = backend.reason.as_ref().map_or_else(String::new, |reason| format!(": {reason}"));
            format!("{}: weight {}, {} live flows{reason}", name(backend), backend.weight, backend.live_flows)
        };
        concerned.iter().map(line).collect::<Vec<_>>().join("\n")
    })?;
    if let Some(failure) = answer.failure {
        bail!("it is noted, but the data plane does not follow yet: {failure}");
    }
    Ok(answer.backends)
}

/// Waits until the back-ends have no live flows; on a terminal, shows how many are left.
async fn until_idle(client: &Client, backends: &[BackendName], timeout: Option<Duration>) -> anyhow::Result<()> {
    let start = Instant::now();
    let mut shown = None;
    loop {
        let all = client.backends().await?;
        let left: u64 = all.iter().filter(|it| backends.contains(&name(it))).map(|it| it.live_flows).sum();
        if io::stderr().is_terminal() && shown != Some(left) {
            // Progress is no result: nobody misses what cannot be shown.
            let _ = write!(io::stderr(), "\r{left} live flows left\x1b[K{}", if left == 0 { "\n" } else { "" });
            shown = Some(left);
        }
        if left == 0 {
            return Ok(());
        }
        if timeout.is_some_and(|timeout| start.elapsed() > timeout) {
            bail!(
                "{left} live flows are left after {}: they go on, and so does the drain",
                humantime::format_duration(start.elapsed())
            );
        }
        sleep(Duration::from_millis(200)).await;
    }
}

fn name(backend: &BackendStatus) -> BackendName {
    BackendName { service: backend.service.clone(), backend: backend.name.clone() }
}
