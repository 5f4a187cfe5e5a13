//! `handoff tickets`: the keys of TLS sessions, one subcommand a file.

mod enroll;
mod enroll_agent;
mod init_ca;
mod pull;
mod rings;
mod rotate;
mod seal_key;
mod status;

use clap::Subcommand;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// Where the authority is that `init-ca` makes.
const DEFAULT_FOLDER: &str = "/etc/handoff/tickets";

const EXAMPLES: &str = "\
Examples:
  handoff tickets status
  handoff tickets init-ca --agent lb-1 --address 10.0.0.1
  handoff tickets enroll web-1 --agent-url https://lb-1:9444 --output web-1";

/// Keys of TLS sessions, which back-ends share: how they stand, how they get to back-ends, and certificates for those who get them.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES, subcommand_required = true, arg_required_else_help = true)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    InitCa(init_ca::Args),
    Enroll(enroll::Args),
    EnrollAgent(enroll_agent::Args),
    SealKey(seal_key::Args),
    Pull(pull::Args),
    Status(status::Args),
    Rings(rings::Args),
    Rotate(rotate::RotateArgs),
    Revoke(rotate::RevokeArgs),
}

impl Args {
    /// Whether it runs on and on, and says in its log what it does.
    pub(super) fn is_service(&self) -> bool {
        matches!(self.command, Command::Pull(_))
    }
}

pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    match args.command {
        Command::InitCa(args) => init_ca::run(args),
        Command::Enroll(args) => enroll::run(args),
        Command::EnrollAgent(args) => enroll_agent::run(args),
        Command::SealKey(args) => seal_key::run(&args),
        Command::Pull(args) => pull::run(&args),
        Command::Status(args) => status::run(&args),
        Command::Rings(args) => rings::run(&args),
        Command::Rotate(args) => rotate::rotate(args),
        Command::Revoke(args) => rotate::revoke(args),
    }
}

/// Who signs a certificate, where it is put, and how long it is valid.
#[derive(clap::Args)]
struct Issuing {
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

impl Issuing {
    fn validity(&self) -> Duration {
        days(self.days)
    }
}

/// So many days.
fn days(count: u32) -> Duration {
    Duration::from_secs(u64::from(count) * 24 * 3_600)
}
