use super::{DEFAULT_FOLDER, days};
use crate::tickets::pki::{self, Agent, Name};
use std::net::IpAddr;
use std::path::PathBuf;
use std::process::ExitCode;

/// Make an authority for agents and back-ends, and the certificate of an agent.
///
/// For networks without a PKI of their own. The folder gets ca.pem, ca.key, agent.pem and agent.key. Whoever has ca.key can enroll back-ends, and
/// so get ticket keys: keep it where you keep such things, the agent does not need it.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  handoff tickets init-ca --agent lb-1 --address 10.0.0.1 --address 2001:db8::1")]
pub(super) struct Args {
    /// Folder to make. It must be empty or not be there.
    #[arg(long, value_name = "FOLDER", default_value = DEFAULT_FOLDER)]
    folder: PathBuf,
    /// Name of the agent's host, as back-ends know it.
    #[arg(long, value_name = "NAME")]
    agent: Name,
    /// Address that back-ends may know it by instead. Can be given again for each.
    #[arg(long = "address", value_name = "ADDRESS")]
    addresses: Vec<IpAddr>,
    /// How long the agent's certificate is valid.
    #[arg(long, value_name = "DAYS", default_value_t = 730, value_parser = clap::value_parser!(u32).range(1..=3_650))]
    days: u32,
    /// How long the authority is valid.
    #[arg(long, value_name = "DAYS", default_value_t = 3_650, value_parser = clap::value_parser!(u32).range(1..=36_500))]
    ca_days: u32,
}

pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let Args { folder, agent: name, addresses, days: count, ca_days } = args;
    pki::init_ca(&folder, Agent { name, addresses }, days(ca_days), days(count))?;
    println!("made {}; `handoff tickets enroll` makes certificates for back-ends", folder.display());
    Ok(ExitCode::SUCCESS)
}
