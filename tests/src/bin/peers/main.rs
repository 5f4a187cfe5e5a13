//! `cargo xtask bench peers`: Handoff beside what else forwards connections, over the same network, in the same run.
//!
//! Subjects take turns in every round, each time in another order, so what changes on the machine changes for all of them. Nothing here passes
//! or fails.

mod bpf;
mod cpu;
mod figures;
mod graphs;
mod load;
mod measure;
mod memory;
mod place;
mod report;
mod subject;

use anyhow::{Context, Result, bail, ensure};
use clap::Parser;
use figures::Figures;
use lb_tests::figures::{Machine, replace_section};
use place::Place;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;
use subject::Subject;

/// Measure Handoff beside plain routing, nftables, HAProxy, nginx and, where the kernel has it, IPVS.
#[derive(Parser)]
#[command(
    name = "cargo xtask bench peers",
    after_help = "Example:\n  cargo xtask bench peers --only routing,l2-dsr,nftables --rounds 3 --json peers.json"
)]
struct Args {
    /// How often each subject is measured; the median counts.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=99))]
    rounds: u16,
    /// Length of each of the five measurements of a subject in a round.
    #[arg(long, default_value_t = 1.2)]
    seconds: f64,
    /// New connections a second where latency is measured.
    #[arg(long, default_value_t = 5_000, value_parser = clap::value_parser!(u32).range(100..=20_000))]
    rate: u32,
    /// Two interfaces of this machine that are connected with each other outside of it: they become the balancer's link, the first one at the
    /// balancer, in place of a veth pair.
    #[arg(long, value_delimiter = ',', num_args = 1, value_name = "INTERFACE,INTERFACE")]
    nics: Vec<String>,
    /// Measure only these.
    #[arg(long, value_delimiter = ',', value_name = "SUBJECT,...")]
    only: Vec<Subject>,
    /// Write all figures to this file, round by round.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write the figures to docs/performance.md, with graphs; takes all subjects and at least 5 rounds.
    #[arg(long, conflicts_with_all = ["only", "nics"])]
    publish: bool,
}

/// Rounds that are enough for figures to be published.
const ENOUGH: u16 = 5;

fn main() -> Result<()> {
    let args = Args::parse();
    ensure!(args.seconds >= 0.1 && args.seconds <= 60.0, "--seconds {}: use 0.1 to 60", args.seconds);
    ensure!(!args.publish || args.rounds >= ENOUGH, "--rounds {}: --publish takes at least {ENOUGH}", args.rounds);
    let is_meant = |subject: &Subject| args.only.is_empty() || args.only.contains(subject);
    let (mut subjects, missing): (Vec<_>, Vec<_>) =
        Subject::all().filter(is_meant).partition(|subject| subject.is_available());
    for subject in missing {
        eprintln!("{}: this kernel does not have it", subject.title());
    }
    ensure!(!subjects.is_empty(), "nothing to measure");
    let versions: Vec<_> =
        subjects.iter().filter_map(|subject| subject.version().transpose()).collect::<Result<_>>()?;
    let mut figures = Figures {
        machine: Machine::inspect()?.with_versions(versions),
        rounds: args.rounds,
        seconds: args.seconds,
        rate: args.rate,
        is_veth: args.nics.is_empty(),
        subjects: BTreeMap::new(),
    };

    let place = match &args.nics[..] {
        [] => Place::set(None)?,
        [near, far] => Place::set(Some([near, far]))?,
        others => bail!("--nics {}: use two", others.join(",")),
    };
    let time = Duration::from_secs_f64(args.seconds);
    for round in 1..=args.rounds {
        for &subject in &subjects {
            eprintln!("round {round} of {}: {}", args.rounds, subject.title());
            figures.add(subject, measure::measure(subject, &place, time, args.rate)?);
        }
        subjects.rotate_left(1);
    }
    drop(place);

    let section = report::section(&figures);
    println!("{section}");
    if let Some(path) = args.json {
        let text = serde_json::to_string_pretty(&figures)? + "\n";
        fs::write(&path, text).with_context(|| format!("{}: cannot write the figures", path.display()))?;
    }
    if args.publish {
        publish(&figures, &section)?;
    }
    Ok(())
}

fn publish(figures: &Figures, section: &str) -> Result<()> {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    let graphs = graphs::write(figures, &docs.join("images/performance"), "images/performance")?;
    replace_section(&docs.join("performance.md"), "peers", &format!("{section}{graphs}"))
}
