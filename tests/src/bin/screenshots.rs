//! Pictures of the dashboard for the documentation, of the real page over a lab with traffic.

use anyhow::{Context, Result};
use clap::Parser;
use lb_tests::browser::Dashboard;
use lb_tests::scene::Scene;
use std::path::PathBuf;
use std::thread::sleep;
use std::time::Duration;

/// How long there is traffic before: graphs of a few seconds show little.
const TRAFFIC: Duration = Duration::from_secs(75);

#[derive(Parser)]
struct Args {
    /// Folder of the pictures.
    folder: PathBuf,
}

fn main() -> Result<()> {
    let Args { folder } = Args::parse();
    let scene = Scene::set("screenshots", 3)?;
    let dashboard = Dashboard::open(&scene)?;
    dashboard.wait_for_data()?;
    sleep(TRAFFIC);
    dashboard.screenshots(&folder)?;
    println!("pictures are in {}", folder.display());
    dashboard.quiet().map(drop).context("the lab had trouble")
}
