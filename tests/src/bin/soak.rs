//! `cargo xtask soak`: everything at once, under load, and a ledger of it.

use anyhow::{Context, Result};
use clap::Parser;
use lb_tests::soak::soak;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// Change configurations, kill back-ends and agents, upgrade, take links down, flood and whatever else may happen, all at once and under load, and
/// account for every request and every packet.
#[derive(Parser)]
#[command(
    name = "cargo xtask soak",
    after_help = "Example:\n  cargo xtask soak --minutes 30 --seed 7 --json soak.json"
)]
struct Args {
    /// How long.
    #[arg(long, default_value_t = 3.0)]
    minutes: f64,
    /// What happens and when: the same again for the same seed. At random if it is not given.
    #[arg(long)]
    seed: Option<u64>,
    /// Write all figures to this file.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

fn main() -> Result<ExitCode> {
    let args = Args::parse();
    let seed = args.seed.unwrap_or_else(|| rand::random_range(0..1_000_000));
    let time = Duration::try_from_secs_f64(args.minutes * 60.0).context("--minutes is no time")?;
    println!("seed {seed}");
    let report = soak("soak", time, seed, &|line| println!("{line}"))?;
    println!("\n{report}");
    if let Some(path) = args.json {
        let text = serde_json::to_string_pretty(&report)? + "\n";
        std::fs::write(&path, text).with_context(|| format!("{}: cannot write the figures", path.display()))?;
    }
    Ok(if report.faults().is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
