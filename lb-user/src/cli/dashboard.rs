use super::output;
use crate::config::{Config, DEFAULT_FILE};
use crate::dashboard::{Error, Token, url};
use serde_json::json;
use std::path::PathBuf;
use std::process::ExitCode;

/// Print the URL of the dashboard, with the token that logs in.
///
/// Whoever has this URL may drain back-ends and see clients' packets: the token's file is for the agent's user alone.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  handoff dashboard --config /etc/handoff/handoff.toml")]
pub(super) struct Args {
    /// The agent's configuration, which says where the dashboard is.
    #[arg(long, value_name = "FILE", default_value = DEFAULT_FILE)]
    config: PathBuf,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let config = Config::load(&args.config)?;
    let dashboard = config.dashboard.ok_or_else(|| Error::NotConfigured { path: args.config.clone() })?;
    let url = url(&dashboard, &Token::read(&dashboard.token_file)?);
    output::print(args.json, &json!({ "url": *url }), |_| url.to_string())
}
