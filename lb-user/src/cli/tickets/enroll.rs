use super::{DEFAULT_FOLDER, days};
use crate::tickets::pki::{self, NODE_FOLDER, Name};
use hyper::Uri;
use std::path::PathBuf;
use std::process::ExitCode;

/// Make what a back-end needs to get ticket keys: a certificate in its name, and its configuration.
///
/// The folder gets node.pem, node.key, ca.pem and tickets.toml, which belong into /etc/handoff of the back-end. A back-end whose certificate ends is enrolled
/// again, into another folder, and gets the new node.pem and node.key from there.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  handoff tickets enroll web-1 --agent-url https://lb-1:9444 --output web-1")]
pub(super) struct Args {
    /// Name of the back-end, as the agent's configuration calls it.
    node: Name,
    /// Agent that it gets keys from. Can be given again for each.
    #[arg(long = "agent-url", value_name = "https://HOST:PORT", required = true, value_parser = pki::agent_url)]
    agents: Vec<Uri>,
    /// Folder of the authority.
    #[arg(long, value_name = "FOLDER", default_value = DEFAULT_FOLDER)]
    folder: PathBuf,
    /// Folder to make. It must be empty or not be there.
    #[arg(short, long, value_name = "FOLDER")]
    output: PathBuf,
    /// How long the certificate is valid.
    #[arg(long, value_name = "DAYS", default_value_t = 730, value_parser = clap::value_parser!(u32).range(1..=3_650))]
    days: u32,
}

pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let Args { node, agents, folder, output, days: count } = args;
    pki::enroll(&folder, node.clone(), &agents, days(count), &output)?;
    let output = output.display();
    println!(
        "made {output}; its files belong into {NODE_FOLDER} of {node}: scp -p {output}/* root@{node}:{NODE_FOLDER}/"
    );
    Ok(ExitCode::SUCCESS)
}
