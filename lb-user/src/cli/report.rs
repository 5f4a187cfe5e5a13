use super::{AgentAt, wait};
use crate::control::types::{History, HistoryRequest, Snapshot};
use crate::control::{Client, Error};
use crate::report;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// Make a page with graphs: of an agent's traffic, or of what an experiment has found out. It is one HTML file, to look at or to print.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  handoff report --since 24h -o traffic.html\n  handoff lab --experiment sessions --json sessions.json\n  handoff report sessions.json -o sessions.html"
)]
pub(super) struct Args {
    /// What `handoff lab --experiment sessions --json` has written; without it the page is about the agent.
    #[arg(value_name = "JSON")]
    file: Option<PathBuf>,
    /// How far back the agent's graphs go: by seconds up to an hour, else by minutes.
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration, default_value = "1h", conflicts_with = "file")]
    since: Duration,
    /// The HTML file to write.
    #[arg(long, short, value_name = "HTML")]
    output: PathBuf,
    #[command(flatten)]
    agent: AgentAt,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    match &args.file {
        Some(file) => report::write_page(file, &args.output)?,
        None => {
            let (snapshot, history) = wait(ask(&args.agent.client(), args.since))??;
            report::write_traffic_page(&snapshot, history.as_ref(), &args.output)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// How it is and how it went; an agent that keeps no history refuses to tell the latter.
async fn ask(client: &Client, since: Duration) -> Result<(Snapshot, Option<History>), Error> {
    let snapshot = client.snapshot().await?;
    let request = HistoryRequest { since_s: since.as_secs(), measure: None, service: None };
    match client.history(&request).await {
        Ok(history) => Ok((snapshot, Some(history))),
        Err(Error::Refused(_)) => Ok((snapshot, None)),
        Err(error) => Err(error),
    }
}
