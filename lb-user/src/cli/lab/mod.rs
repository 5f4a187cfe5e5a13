mod progress;
mod report;
mod sessions;

use crate::config::{Affinity, Reset, Scheduler};
use crate::lab::report::JsonFile;
use crate::lab::topology::{MAX_CLIENTS, MAX_SERVERS, SERVICE};
use crate::lab::{self, Experiment, LoadOptions, Node, Policy, Site, Sizes, Stage};
use progress::Progress;
use report::Text;
use std::env;
use std::io::{self, Write};
use std::num::ParseFloatError;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

const EXAMPLE: &str = "\
Example:
  handoff lab --duration 30s --sizes mixed --rounds 10 --json out.json
  handoff lab --duration 30s --clients 100 --affinity 5s --max-load 1.25
  handoff lab --experiment sessions --json sessions.json

While it runs, in another terminal:
  ip netns exec ho-lab-client curl --insecure https://198.18.255.1/";

/// Try it out: balance real HTTPS connections between servers on this machine, and report how they are spread.
///
/// A client (data generator), a balancer (virtual server) and servers are network namespaces on a switch. Every request is a new
/// connection from the client to the VIP; the balancer hands it to the servers in turn, and the server answers the client directly.
/// Everything is taken down in the end, with all programs in its namespaces, also when this process is killed.
#[derive(clap::Args)]
#[command(after_help = EXAMPLE)]
pub(super) struct Args {
    /// Instead of one load, compare several: what it saves to reuse TLS sessions, and what it costs in balance.
    #[arg(long, value_name = "NAME", value_enum, conflicts_with_all = ["scheduler", "affinity", "max_load"])]
    experiment: Option<Named>,
    /// How long to begin new requests: 15, 15s or 2m. Without it, until Ctrl-C; an experiment takes 72s for all that it compares.
    #[arg(long, value_name = "TIME", value_parser = duration)]
    duration: Option<Duration>,
    /// Number of servers.
    #[arg(
        long,
        value_name = "N",
        default_value_t = 3,
        value_parser = clap::value_parser!(u8).range(1..=i64::from(MAX_SERVERS))
    )]
    backends: u8,
    /// Most connections that are open at once.
    #[arg(
        long,
        value_name = "N",
        default_value_t = LoadOptions::DEFAULT.connections,
        value_parser = clap::value_parser!(u32).range(1..=10_000)
    )]
    connections: u32,
    /// New connections a second; 0 for as many as --connections permits. Without it, 300, and 500 in an experiment.
    #[arg(long, value_name = "N")]
    rate: Option<u32>,
    /// How much each connection asks for.
    #[arg(long, value_enum, default_value_t = LoadOptions::DEFAULT.sizes)]
    sizes: Sizes,
    /// How many clients the connections come from, each with an address of its own: some are busy, most are not. Without it, one, and 15
    /// in an experiment.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=i64::from(MAX_CLIENTS)))]
    clients: Option<u16>,
    /// How the balancer spreads new flows.
    #[arg(long, value_name = "NAME", value_enum, default_value_t = Policy::DEFAULT.scheduler)]
    scheduler: Scheduler,
    /// Send clients where they were before, as long as the window lasts: 5s or 2m. All windows begin and end together.
    #[arg(long, value_name = "WINDOW", value_parser = window)]
    affinity: Option<Duration>,
    /// Unless that server has more than so many times the mean load: 1.0 or more.
    #[arg(long, value_name = "X", requires = "affinity", value_parser = max_load)]
    max_load: Option<f64>,
    /// Where the sequences of mixed sizes and of clients start: the same seed gives the same ones again.
    #[arg(long, value_name = "N", default_value_t = LoadOptions::DEFAULT.seed)]
    seed: u64,
    /// Divide the duration into rounds, and report the error from even in each of them and in all so far. An experiment takes the medians
    /// of its rounds.
    #[arg(
        long,
        value_name = "N",
        default_value_t = 1,
        requires = "duration",
        value_parser = clap::value_parser!(u32).range(1..=1_000)
    )]
    rounds: u32,
    /// Write the report to this file as well.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Name of the lab, and part of its namespaces' names. Labs of different names can run side by side.
    #[arg(long, default_value = "lab", value_parser = Site::named)]
    name: Site,
}

/// What can be compared.
#[derive(Clone, Copy, clap::ValueEnum)]
enum Named {
    /// Full and resumed handshakes without reuse, with client affinity, and with ticket keys that all servers share.
    Sessions,
}

/// Fails unless every request was answered, and directly by its server.
pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    match args.experiment {
        None => balance(args),
        Some(Named::Sessions) => sessions::run(args),
    }
}

fn balance(args: &Args) -> anyhow::Result<ExitCode> {
    let json = args.json.as_deref().map(JsonFile::at).transpose()?;
    let stage = set_up(args)?;
    let load = load(args, LoadOptions::DEFAULT);
    let experiment = Experiment { duration: args.duration, rounds: args.rounds, load, policy: policy(args) };
    let mut progress = Progress::new();
    let report = experiment.run(&stage, |moment| progress.show(moment));
    progress.clear();
    let report = report?;
    say(&format!("{}\n", Text(&report)));
    if let Some(json) = json {
        json.write(&report)?;
    }
    stage.take_down()?;
    Ok(conclude(&report.problems()))
}

fn set_up(args: &Args) -> anyhow::Result<Stage> {
    let stage = Stage::set_up(&args.name, args.backends, &env::current_exe()?)?;
    introduce(&stage)?;
    Ok(stage)
}

/// The load that was asked for; what was not said is as in `default`.
fn load(args: &Args, default: LoadOptions) -> LoadOptions {
    let Args { connections, rate, sizes, seed, clients, .. } = *args;
    LoadOptions { connections, rate: rate.unwrap_or(default.rate), sizes, seed, clients: clients.or(default.clients) }
}

fn conclude(problems: &[String]) -> ExitCode {
    for problem in problems {
        eprintln!("handoff lab: {problem}");
    }
    if problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn policy(args: &Args) -> Policy {
    let affinity = args.affinity.map(|window| Affinity {
        window,
        reset: Reset::Epoch,
        prefix: Affinity::DEFAULT_PREFIX,
        prefix_v6: Affinity::DEFAULT_PREFIX_V6,
        max_load: args.max_load,
    });
    Policy { scheduler: args.scheduler, affinity }
}

fn introduce(stage: &Stage) -> anyhow::Result<()> {
    if stage.removed_leftovers() {
        say("Removed what an earlier lab had left behind.\n");
    }
    let (name, client, vip) = (stage.site().name(), stage.site().namespace(Node::Client), SERVICE.ip());
    let socket = stage.site().control_socket();
    say(&format!(
        "Lab {name}: https://{vip}/ on {} servers. Meanwhile, in another terminal:\n\n",
        stage.servers().len()
    ));
    say(&format!("  ip netns exec {client} curl --insecure https://{vip}/\n"));
    say(&format!("  handoff backends --socket {}\n\n", socket.display()));
    say(&format!("Dashboard: {}\n\n", *stage.dashboard().url()?));
    Ok(())
}

/// Prints. Whoever closes our output has seen enough, which is no reason to leave a lab behind.
fn say(text: &str) {
    let mut stdout = io::stdout().lock();
    let _ = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
}

/// `33.33 %`.
fn percent(part: f64) -> String {
    format!("{:.2} %", 100.0 * part)
}

/// A time in seconds, or with units.
fn duration(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().map(Duration::from_secs);
    let duration = seconds.or_else(|_| humantime::parse_duration(text));
    let duration = duration.map_err(|_| "not a duration, as 15s or 2m".to_owned())?;
    if duration.is_zero() { Err("the lab needs some time".to_owned()) } else { Ok(duration) }
}

/// A window of affinity, as the configuration takes it.
fn window(text: &str) -> Result<Duration, String> {
    let window = duration(text)?;
    if window < Duration::from_secs(1) { Err("use 1s or more".to_owned()) } else { Ok(window) }
}

fn max_load(text: &str) -> Result<f64, String> {
    let most = text.parse().map_err(|error: ParseFloatError| error.to_string())?;
    let (least, largest) = Affinity::MAX_LOADS.into_inner();
    if Affinity::MAX_LOADS.contains(&most) { Ok(most) } else { Err(format!("use {least:.1} to {largest:.1}")) }
}

/// Take a lab down when the process that runs it is gone, which closes standard input. The lab starts this itself.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  handoff lab-janitor lab < /dev/null")]
pub(super) struct JanitorArgs {
    /// Name of the lab.
    #[arg(value_parser = Site::named)]
    name: Site,
}

pub(super) fn janitor(args: &JanitorArgs) -> anyhow::Result<ExitCode> {
    lab::keep(&args.name)?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_may_have_a_unit() {
        assert_eq!(duration("10"), Ok(Duration::from_secs(10)));
        assert_eq!(duration("10s"), Ok(Duration::from_secs(10)));
        assert_eq!(duration("1m 30s"), Ok(Duration::from_secs(90)));
        for text in ["ten", "-1", ""] {
            assert_eq!(duration(text), Err("not a duration, as 15s or 2m".to_owned()), "{text:?}");
        }
        assert!(duration("0").is_err());
        assert_eq!(window("5s"), Ok(Duration::from_secs(5)));
        assert!(window("999ms").is_err());
    }

    #[test]
    fn a_load_is_at_least_the_mean() {
        assert_eq!(max_load("1.25"), Ok(1.25));
        assert_eq!(max_load("0.9"), Err("use 1.0 to 1000.0".to_owned()));
        assert!(max_load("NaN").is_err() && max_load("much").is_err());
    }
}
