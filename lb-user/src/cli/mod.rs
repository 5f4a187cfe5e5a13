//! The command line: one subcommand a file. Those that ask the agent share `Asking`, and print a table for people or JSON for
//! programs.

mod backends;
mod check;
mod completions;
mod counters;
mod decap;
mod explain;
mod flows;
mod lab;
mod output;
mod run;
mod services;
mod status;
mod stop;
mod trace;

use crate::config::DEFAULT_SOCKET;
use crate::control::Client;
use crate::{agent, bpf, config, control};
use clap::{Args, CommandFactory, Parser, Subcommand};
use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;
use tracing_subscriber::EnvFilter;

/// Load balancer for the edge of a web-server cluster: clients see one virtual server, and the XDP program hands each new connection to
/// a back-end in turn, which answers the client directly.
#[derive(Parser)]
#[command(
    name = "handoff",
    version,
    propagate_version = true,
    subcommand_required = true,
    arg_required_else_help = true
)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Run(run::Args),
    Check(check::Args),
    Status(status::Args),
    Services(services::Args),
    Backends(backends::Args),
    Counters(counters::Args),
    Flows(flows::Args),
    Explain(explain::Args),
    Trace(trace::Args),
    Decap(decap::Args),
    Lab(lab::Args),
    #[command(name = crate::lab::JANITOR, hide = true)]
    LabJanitor(lab::JanitorArgs),
    Stop(stop::Args),
    Completions(completions::Args),
}

/// Exit code of a command line that makes no sense (EX_USAGE of sysexits(3)).
const USAGE: u8 = 64;
/// Exit code of a process without the rights that it needs (EX_NOPERM).
const NO_PERMISSION: u8 = 77;
/// Exit code of a configuration that cannot be (EX_CONFIG).
const CONFIG: u8 = 78;

/// Parses the command line and does what it says.
pub fn main() -> ExitCode {
    let command = match CommandLine::try_parse() {
        Ok(line) => line.command,
        Err(error) => {
            // Nothing is left to do when even this cannot be printed.
            let _ = error.print();
            return if error.use_stderr() { ExitCode::from(USAGE) } else { ExitCode::SUCCESS };
        }
    };
    log_to_stderr(if matches!(command, Command::Run(_)) { "info" } else { "warn" });
    execute(command).unwrap_or_else(|error| {
        eprintln!("handoff: {error}");
        exit_code(&error)
    })
}

fn execute(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Run(args) => run::run(args),
        Command::Check(args) => check::run(&args),
        Command::Status(args) => status::run(&args),
        Command::Services(args) => services::run(&args),
        Command::Backends(args) => backends::run(&args),
        Command::Counters(args) => counters::run(&args),
        Command::Flows(args) => flows::run(args),
        Command::Explain(args) => explain::run(&args),
        Command::Trace(args) => trace::run(args),
        Command::Decap(args) => decap::run(args),
        Command::Lab(args) => lab::run(&args),
        Command::LabJanitor(args) => lab::janitor(&args),
        Command::Stop(args) => stop::run(&args),
        Command::Completions(args) => completions::run(&args, &mut CommandLine::command()),
    }
}

/// Log lines from `level` up go to standard error, unless `RUST_LOG` says otherwise.
fn log_to_stderr(level: &str) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .init();
}

fn exit_code(error: &anyhow::Error) -> ExitCode {
    if error.is::<config::Error>() {
        return ExitCode::from(CONFIG);
    }
    if matches!(error.downcast_ref(), Some(crate::lab::Error::NotRoot))
        || matches!(error.downcast_ref(), Some(control::Error::Denied { .. }))
    {
        return ExitCode::from(NO_PERMISSION);
    }
    match error.downcast_ref() {
        Some(crate::decap::Error::NoInterface { .. } | crate::decap::Error::Announced { .. }) => {
            return ExitCode::from(CONFIG);
        }
        Some(crate::decap::Error::Rights { .. }) => return ExitCode::from(NO_PERMISSION),
        _ => {}
    }
    match error.downcast_ref() {
        Some(agent::Error::Network(_) | agent::Error::Bpf(bpf::Error::TableSize { .. })) => ExitCode::from(CONFIG),
        Some(agent::Error::Rights { .. }) => ExitCode::from(NO_PERMISSION),
        _ => ExitCode::FAILURE,
    }
}

/// Options of the commands that ask the agent.
#[derive(Args)]
struct Asking {
    /// The agent's control socket.
    #[arg(long, value_name = "PATH", default_value = DEFAULT_SOCKET, env = "HANDOFF_SOCKET")]
    socket: PathBuf,
    /// Print JSON instead of a table.
    #[arg(long)]
    json: bool,
}

impl Asking {
    fn client(&self) -> Client {
        Client::new(&self.socket)
    }
}

/// Runs a request to its end, on this thread.
fn wait<T>(request: impl Future<Output = T>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    Ok(runtime.block_on(request))
}

#[cfg(test)]
mod tests;
