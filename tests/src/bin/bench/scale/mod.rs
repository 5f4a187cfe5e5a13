//! `cargo xtask bench scale`: what becomes of costs when there is more of everything.

mod agent;
mod cost;
mod report;
mod shape;

use crate::harness::Harness;
use crate::use_all_cpus;
use agent::{AtWork, Changes};
use anyhow::{Context, Result, ensure};
use cost::{Cost, Samples};
use lb_tests::figures::{Machine, replace_section};
use serde::Serialize;
use shape::{Axis, Shape};
use std::fs;
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// How often each cost is measured; the median counts.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=99))]
    rounds: u16,
    /// Write the figures to this file as well.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write the figures to docs/performance.md, with graphs; takes at least 5 rounds.
    #[arg(long)]
    publish: bool,
}

/// Everything that was measured.
#[derive(Serialize)]
struct Figures {
    machine: Machine,
    rounds: u16,
    points: Vec<Point>,
    at_work: Vec<AtWork>,
}

/// What things cost when there is so much of one of them.
#[derive(Serialize)]
struct Point {
    axis: Axis,
    shape: Shape,
    cost: Cost,
    /// None where the agent has nothing to do with it.
    changes: Option<Changes>,
}

pub(crate) fn main(args: &Args, harness: &mut Harness) -> Result<()> {
    ensure!(!args.publish || args.rounds >= 5, "--rounds {}: --publish takes at least 5", args.rounds);
    let shapes = shape::all();
    // Where its maps come to lie matters to what a packet costs, so the program is loaded anew each time.
    let mut samples = vec![Samples::default(); shapes.len()];
    for round in 1..=args.rounds {
        for ((axis, shape), samples) in shapes.iter().zip(&mut samples) {
            eprintln!("round {round} of {}: {}: {}", args.rounds, axis.title(), shape.along(*axis));
            samples.add(harness, *shape)?;
        }
    }
    // Agents are not kept from any CPU.
    use_all_cpus()?;
    let changes = agent::changes(&shapes)?;
    let at_work = agent::at_work(harness)?;
    let mut points = Vec::new();
    for (((axis, shape), samples), changes) in shapes.into_iter().zip(samples).zip(changes) {
        points.push(Point { axis, shape, cost: samples.cost()?, changes });
    }
    let figures = Figures { machine: Machine::inspect()?, rounds: args.rounds, points, at_work };

    let section = report::section(&figures);
    println!("{section}");
    if let Some(path) = &args.json {
        let text = serde_json::to_string_pretty(&figures)? + "\n";
        fs::write(path, text).with_context(|| format!("{}: cannot write the figures", path.display()))?;
    }
    if args.publish {
        let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
        let graphs = report::graphs(&figures, &docs.join("images/performance"), "images/performance")?;
        replace_section(&docs.join("performance.md"), "scale", &format!("{section}{graphs}"))?;
    }
    Ok(())
}
