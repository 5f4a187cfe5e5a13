use super::Issuing;
use crate::tickets::pki::{self, Agent, Name};
use std::net::IpAddr;
use std::process::ExitCode;

/// Make the certificate of another agent, or a new one for an agent whose certificate ends.
///
/// The folder gets agent.pem, agent.key and ca.pem.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  handoff tickets enroll-agent lb-2 --address 10.0.0.2 --output lb-2")]
pub(super) struct Args {
    /// Name of the agent's host, as back-ends know it.
    agent: Name,
    /// Address that back-ends may know it by instead. Can be given again for each.
    #[arg(long = "address", value_name = "ADDRESS")]
    addresses: Vec<IpAddr>,
    #[command(flatten)]
    issuing: Issuing,
}

pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let Args { agent: name, addresses, issuing } = args;
    pki::enroll_agent(&issuing.folder, Agent { name, addresses }, issuing.validity(), &issuing.output)?;
    println!("made {}; the agent's user must be able to read agent.key there", issuing.output.display());
    Ok(ExitCode::SUCCESS)
}
