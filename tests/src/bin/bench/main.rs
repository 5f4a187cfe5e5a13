//! `cargo xtask bench`: what a packet costs; `bench scale`: also when there is more of everything.
//!
//! Figures are for one machine at one time; ratios between cases of one run say more. Nothing here passes or fails.

mod cases;
mod harness;
mod lab;
mod line;
mod measure;
mod packet;
mod scale;
mod subject;
mod veth;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use harness::Harness;
use lab::CaptureCost;
use lb_tests::figures::Machine;
use measure::Case;
use nix::sched::{CpuSet, sched_setaffinity};
use nix::unistd::{Pid, SysconfVar, sysconf};
use serde::Serialize;
use std::fs;
use std::path::PathBuf;
use veth::Rate;

/// The object with the XDP program.
static HANDOFF_OBJECT: &[u8] =
    aya::include_bytes_aligned!(concat!(env!("CARGO_MANIFEST_DIR"), "/../target/bpf/handoff.o"));
/// The object with the programs to measure it with and against.
static BENCH_OBJECT: &[u8] = aya::include_bytes_aligned!(concat!(env!("CARGO_MANIFEST_DIR"), "/../target/bpf/bench.o"));

/// Measure what a packet costs in the kernel.
#[derive(Parser)]
#[command(name = "cargo xtask bench", after_help = "Example:\n  cargo xtask bench -- --json bench.json")]
#[command(args_conflicts_with_subcommands = true)]
struct Args {
    #[command(subcommand)]
    other: Option<Other>,
    /// Write the figures to this file as well.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Measure only the cases whose names begin with this, and nothing over veth; `capture` is what a capture in the lab costs.
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
    /// How often each case is measured; the median counts.
    #[arg(long, default_value_t = 9, value_parser = clap::value_parser!(u16).range(7..=99))]
    rounds: u16,
    /// Million packets in each round of a case.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=400))]
    packets: u32,
}

#[derive(Subcommand)]
enum Other {
    /// Measure what becomes of costs when there is more of everything.
    #[command(display_name = "cargo xtask bench scale")]
    Scale(scale::Args),
}

#[derive(Serialize)]
struct Report {
    machine: Machine,
    cases: Vec<Case>,
    veth: Vec<Rate>,
    capture: Option<CaptureCost>,
}

fn main() -> Result<()> {
    let args = Args::parse();
    stay_on_one_cpu()?;
    let (rounds, packets) = (usize::from(args.rounds), args.packets * 1_000_000);
    let mut harness = Harness::load(BENCH_OBJECT).context("cannot load the benchmark's programs: run as root")?;
    if let Some(Other::Scale(args)) = &args.other {
        return scale::main(args, &mut harness);
    }
    let cases = measure::measure(&mut harness, args.only.as_deref().unwrap_or_default(), rounds, packets)?;
    // Before this thread leaves for a namespace of its own.
    let capture = match args.only.as_deref() {
        None | Some("capture") => Some(lab::measure(&mut harness, rounds)?),
        Some(_) => None,
    };
    let veth = if args.only.is_some() { Vec::new() } else { veth::measure(&mut harness, rounds, packets)? };
    let report = Report { machine: Machine::inspect()?, cases, veth, capture };
    print(&report);
    if let Some(path) = args.json {
        let text = serde_json::to_string_pretty(&report)? + "\n";
        fs::write(&path, text).with_context(|| format!("{}: cannot write the figures", path.display()))?;
    }
    Ok(())
}

/// Keeps this thread, and what it starts, on one CPU: wandering between them would make every cache cold.
fn stay_on_one_cpu() -> Result<()> {
    let mut last = CpuSet::new();
    last.set(sysconf(SysconfVar::_NPROCESSORS_ONLN)?.context("how many CPUs are there?")? as usize - 1)?;
    sched_setaffinity(Pid::from_raw(0), &last).context("cannot stay on one CPU")
}

/// Lets this thread, and what it starts from now on, run on any CPU.
fn use_all_cpus() -> Result<()> {
    let mut all = CpuSet::new();
    for cpu in 0..sysconf(SysconfVar::_NPROCESSORS_ONLN)?.context("how many CPUs are there?")? {
        all.set(cpu as usize)?;
    }
    sched_setaffinity(Pid::from_raw(0), &all).context("cannot use all CPUs")
}

fn print(report: &Report) {
    println!("{}", report.machine);
    println!("\nns per packet, net of the harness   median      min      max");
    for Case { name, ns_net, ns_min, ns_max, .. } in &report.cases {
        println!("  {name:<30} {ns_net:>9.1} {ns_min:>8.1} {ns_max:>8.1}");
    }
    let cost = |wanted| report.cases.iter().find(|case| case.name == wanted).map(|case| case.ns_net);
    for (ours, lru) in
        [("hit-1", "lru-hit-1"), ("hit-64k", "lru-hit-64k"), ("hit-1m", "lru-hit-1m"), ("new-flow", "lru-new-flow")]
    {
        if let (Some(ours_ns), Some(lru_ns)) = (cost(ours), cost(lru)) {
            println!("  {:<30} {:>9.2}", format!("{ours} / {lru}"), ours_ns / lru_ns);
        }
    }
    if !report.veth.is_empty() {
        println!("\nMpps over veth, one CPU for all");
    }
    for Rate { name, mpps } in &report.veth {
        println!("  {name:<30} {mpps:>9.2}");
    }
    if let Some(CaptureCost { offered, forwarded: [off, on], mpps: [most_off, most_on], captured }) = &report.capture {
        println!("\nForwarding in the lab          without a capture  with one  ratio");
        println!("  of {offered} a second {off:>17.4} {on:>9.4} {:>6.3}", on / off);
        println!("  most, Mpps {most_off:>26.3} {most_on:>9.3} {:>6.3}", most_on / most_off);
        println!("  captured in a round, at least {captured:>7}");
    }
}
