use super::{DEFAULT_FOLDER, days};
use crate::tickets::pki::{self, Agent, Name};
use std::net::IpAddr;
use std::path::PathBuf;
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
    let Args { agent: name, addresses, folder, output, days: count } = args;
    pki::enroll_agent(&folder, Agent { name, addresses }, days(count), &output)?;
    println!("made {}; the agent's user must be able to read agent.key there", output.display());
    Ok(ExitCode::SUCCESS)
}
