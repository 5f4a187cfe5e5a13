use super::Issuing;
use crate::tickets::pki::{self, NODE_FOLDER, Name};
use hyper::Uri;
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
    #[command(flatten)]
    issuing: Issuing,
}

pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let Args { node, agents, issuing } = args;
    pki::enroll(&issuing.folder, node.clone(), &agents, issuing.validity(), &issuing.output)?;
    let output = issuing.output.display();
    println!(
        "made {output}; its files belong into {NODE_FOLDER} of {node}: scp -p {output}/* root@{node}:{NODE_FOLDER}/"
    );
    Ok(ExitCode::SUCCESS)
}
