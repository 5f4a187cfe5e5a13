//! The command line: one subcommand a file. Those that ask the agent share `Asking`, and print a table for people or JSON for
//! programs.

mod apply;
mod asking;
mod backends;
mod capture;
mod check;
mod completions;
mod counters;
mod dashboard;
mod decap;
mod devices;
mod doctor;
mod events;
mod explain;
mod flows;
mod history;
mod lab;
mod log;
mod man;
mod output;
mod overrides;
mod packets;
mod plan;
mod report;
mod rollback;
mod run;
mod samples;
mod services;
mod status;
mod stop;
mod tickets;
mod top;
mod trace;
mod traffic;

use crate::control::{Refused, RefusedKind};
use crate::tickets::keeper::cluster;
use crate::tickets::pki;
use crate::{agent, bpf, config, control};
use asking::{AgentAt, Asking};
use clap::{CommandFactory, Parser, Subcommand};
use log::LogFormat;
use std::io::ErrorKind;
use std::process::ExitCode;
use tracing_subscriber::filter::LevelFilter;

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
    Traffic(traffic::Args),
    Samples(samples::Args),
    History(history::Args),
    Dashboard(dashboard::Args),
    Events(events::Args),
    Plan(plan::Args),
    Apply(apply::Args),
    Rollback(rollback::Args),
    Drain(overrides::DrainArgs),
    Undrain(overrides::UndrainArgs),
    Disable(overrides::DisableArgs),
    Enable(overrides::EnableArgs),
    Weight(overrides::WeightArgs),
    Flows(flows::Args),
    Explain(explain::Args),
    Trace(trace::Args),
    Top(top::Args),
    Devices(devices::Args),
    Capture(capture::Args),
    Decap(decap::Args),
    Doctor(doctor::Args),
    Tickets(tickets::Args),
    Lab(lab::Args),
    Report(report::Args),
    #[command(name = crate::lab::JANITOR, hide = true)]
    LabJanitor(lab::JanitorArgs),
    Stop(stop::Args),
    Completions(completions::Args),
    #[command(hide = true)]
    Man(man::Args),
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
    match &command {
        Command::Run(args) => log::start(LevelFilter::INFO, args.log_format()),
        Command::Tickets(args) if args.is_service() => log::start(LevelFilter::INFO, LogFormat::Text),
        _ => log::start(LevelFilter::WARN, LogFormat::Text),
    }
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
        Command::Traffic(args) => traffic::run(&args),
        Command::Samples(args) => samples::run(&args),
        Command::History(args) => history::run(args),
        Command::Dashboard(args) => dashboard::run(&args),
        Command::Events(args) => events::run(&args),
        Command::Plan(args) => plan::run(&args),
        Command::Apply(args) => apply::run(&args),
        Command::Rollback(args) => rollback::run(&args),
        Command::Drain(args) => overrides::drain(&args),
        Command::Undrain(args) => overrides::undrain(&args),
        Command::Disable(args) => overrides::disable(&args),
        Command::Enable(args) => overrides::enable(&args),
        Command::Weight(args) => overrides::weight(&args),
        Command::Flows(args) => flows::run(args),
        Command::Explain(args) => explain::run(&args),
        Command::Trace(args) => trace::run(args),
        Command::Top(args) => top::run(&args),
        Command::Devices(args) => devices::run(&args),
        Command::Capture(args) => capture::run(args),
        Command::Decap(args) => decap::run(args),
        Command::Doctor(args) => doctor::run(args),
        Command::Tickets(args) => tickets::run(args),
        Command::Lab(args) => lab::run(&args),
        Command::Report(args) => report::run(&args),
        Command::LabJanitor(args) => lab::janitor(&args),
        Command::Stop(args) => stop::run(&args),
        Command::Completions(args) => completions::run(&args, &mut CommandLine::command()),
        Command::Man(args) => man::run(&args, CommandLine::command()),
    }
}

fn exit_code(error: &anyhow::Error) -> ExitCode {
    if error.is::<config::Error>() {
        return ExitCode::from(CONFIG);
    }
    if matches!(error.downcast_ref(), Some(crate::lab::Error::NotRoot))
        || matches!(error.downcast_ref(), Some(control::Error::Denied { .. } | control::Error::Forbidden { .. }))
    {
        return ExitCode::from(NO_PERMISSION);
    }
    if let Some(control::Error::Refused(Refused { kind: RefusedKind::Config, .. })) = error.downcast_ref() {
        return ExitCode::from(CONFIG);
    }
    match error.downcast_ref() {
        Some(crate::decap::Error::NoInterface { .. } | crate::decap::Error::Announced { .. }) => {
            return ExitCode::from(CONFIG);
        }
        Some(crate::decap::Error::Rights { .. }) => return ExitCode::from(NO_PERMISSION),
        _ => {}
    }
    match error.downcast_ref() {
        Some(crate::dashboard::Error::NotConfigured { .. }) => return ExitCode::from(CONFIG),
        Some(crate::dashboard::Error::Token { source, .. }) if source.kind() == ErrorKind::PermissionDenied => {
            return ExitCode::from(NO_PERMISSION);
        }
        _ => {}
    }
    match error.downcast_ref() {
        Some(crate::capture::Error::Filter { .. }) => return ExitCode::from(USAGE),
        Some(crate::capture::Error::Rights { .. }) => return ExitCode::from(NO_PERMISSION),
        _ => {}
    }
    match (error.downcast_ref(), error.downcast_ref()) {
        (Some(pki::Error::File { source, .. }), _) | (_, Some(cluster::Error::File { source, .. }))
            if source.kind() == ErrorKind::PermissionDenied =>
        {
            return ExitCode::from(NO_PERMISSION);
        }
        _ => {}
    }
    match error.downcast_ref() {
        Some(agent::Error::Network(_) | agent::Error::Bpf(bpf::Error::TableSize { .. })) => ExitCode::from(CONFIG),
        Some(agent::Error::Rights { .. }) => ExitCode::from(NO_PERMISSION),
        Some(agent::Error::Bpf(bpf::Error::Pin { source, .. })) if source.kind() == ErrorKind::PermissionDenied => {
            ExitCode::from(NO_PERMISSION)
        }
        _ => ExitCode::FAILURE,
    }
}

/// Runs a request to its end, on this thread.
fn wait<T>(request: impl Future<Output = T>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    Ok(runtime.block_on(request))
}

#[cfg(test)]
mod tests;
