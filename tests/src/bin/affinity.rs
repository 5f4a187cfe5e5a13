//! Affinity's trade-off in numbers: how many sessions can be resumed, and how uneven the load gets, for several windows.

use anyhow::Result;
use clap::Parser;
use lb_tests::simulation::{Outcome, Simulation, Traffic};
use lb_user::config::{Affinity, Reset, Scheduler};
use lb_user::lab::Policy;
use std::panic::resume_unwind;
use std::thread;
use std::time::Duration;

const EXAMPLE: &str = "\
Example, with the traffic of `handoff lab --clients 100 --rate 100 --duration 60s`:
  cargo run --release -p lb-tests --bin affinity -- --backends 3 --clients 100 --rate 100 --flow-duration 0s
      --duration 60s --warm-up 5s --windows 2s,5s,10s,30s";

/// Simulate a service with affinity, for several windows and loads.
///
/// `reuse` is the part of the connections of clients with a session, at most an hour old, that got to the session's back-end. The others
/// are max/mean, 1 when even: of live flows, on average (`mean`) and what it is above of for 1 % of the time (`p99`); and of all
/// connections in the end (`total`).
#[derive(Parser)]
#[command(name = "affinity", after_help = EXAMPLE)]
struct Args {
    /// Number of back-ends.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u8).range(1..=64))]
    backends: u8,
    /// How new flows are spread that no affinity decides on.
    #[arg(long, value_name = "NAME", value_enum, default_value_t = Scheduler::RoundRobin)]
    scheduler: Scheduler,
    /// Number of clients. The second connects half as often as the first, the third a third as often, and so on.
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = clap::value_parser!(u16).range(1..=500))]
    clients: u16,
    /// Connections a second, of all clients together.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    rate: u32,
    /// How long a connection lasts on average.
    #[arg(long, value_name = "TIME", default_value = "1m", value_parser = humantime::parse_duration)]
    flow_duration: Duration,
    /// How long clients connect.
    #[arg(long, value_name = "TIME", default_value = "2h", value_parser = humantime::parse_duration)]
    duration: Duration,
    /// For how long the load is not looked at.
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = humantime::parse_duration)]
    warm_up: Duration,
    /// How long clients are remembered.
    #[arg(long, value_name = "TIMES", value_delimiter = ',', default_value = "10s,1m,10m,1h",
        value_parser = humantime::parse_duration)]
    windows: Vec<Duration>,
    /// What times the mean load a back-end may have and still get clients for their past alone.
    #[arg(long, value_name = "LOADS", value_delimiter = ',', default_value = "2.0,1.25")]
    max_loads: Vec<f64>,
    /// Where the sequence of connections starts.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
}

fn main() -> Result<()> {
    let args = Args::parse();
    let loads: Vec<Option<f64>> = [None].into_iter().chain(args.max_loads.iter().copied().map(Some)).collect();
    let none = ("none".to_owned(), String::new(), vec![Policy { scheduler: args.scheduler, affinity: None }]);
    let mut rows = vec![none];
    for reset in [Reset::Epoch, Reset::Client] {
        for &window in &args.windows {
            let policies = loads.iter().map(|&max_load| policy(&args, window, reset, max_load));
            rows.push((humantime::format_duration(window).to_string(), reset.to_string(), policies.collect()));
        }
    }
    print_head(&loads);
    // Each is a thread of its own; the last ones are done when the first ones are printed.
    thread::scope(|scope| {
        let rows: Vec<_> = rows
            .into_iter()
            .map(|(window, reset, policies)| {
                let simulations = policies.into_iter().map(|policy| simulation(&args, policy));
                let running: Vec<_> = simulations.map(|it| scope.spawn(move || it.run())).collect();
                (window, reset, running)
            })
            .collect();
        for (window, reset, running) in rows {
            print!("{window:<7} {reset:<6}");
            for simulation in running {
                print_outcome(&simulation.join().unwrap_or_else(|panicked| resume_unwind(panicked))?);
            }
            println!();
        }
        Ok(())
    })
}

fn policy(args: &Args, window: Duration, reset: Reset, max_load: Option<f64>) -> Policy {
    let (prefix, prefix_v6) = (Affinity::DEFAULT_PREFIX, Affinity::DEFAULT_PREFIX_V6);
    Policy { scheduler: args.scheduler, affinity: Some(Affinity { window, reset, prefix, prefix_v6, max_load }) }
}

fn simulation(args: &Args, policy: Policy) -> Simulation {
    let &Args { backends, clients, rate, flow_duration, duration, warm_up, seed, .. } = args;
    let traffic = Traffic { clients, rate, flow_duration, seed };
    Simulation { policy, backends, traffic, duration, warm_up }
}

fn print_head(loads: &[Option<f64>]) {
    print!("{:<14}", "");
    for load in loads {
        print!("  {:^29}", load.map_or_else(|| "any load".to_owned(), |load| format!("max-load {load:?}")));
    }
    print!("\n{:<7} {:<6}", "window", "reset");
    for _ in loads {
        print!("  {:>8} {:>6} {:>6} {:>6}", "reuse", "mean", "p99", "total");
    }
    println!();
}

fn print_outcome(outcome: &Outcome) {
    let percent = outcome.reuse.map_or_else(|| "-".to_owned(), |reuse| format!("{:.1} %", 100.0 * reuse));
    let number = |number: Option<f64>| number.map_or_else(|| "-".to_owned(), |number| format!("{number:.2}"));
    let (mean, p99) = (outcome.load.map(|load| load.mean), outcome.load.map(|load| load.p99));
    print!("  {percent:>8} {:>6} {:>6} {:>6.2}", number(mean), number(p99), outcome.max_over_mean);
}
