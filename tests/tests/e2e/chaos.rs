//! Everything at once for three minutes: the soak that `cargo xtask soak` does for as long as one likes.

use anyhow::{Result, ensure};
use lb_tests::soak::soak;
use std::sync::Mutex;
use std::time::Duration;

#[test]
fn every_request_and_every_packet_is_accounted_for() -> Result<()> {
    let lines = Mutex::new(Vec::new());
    let report = soak("chaos", Duration::from_secs(180), 1, &|line| lines.lock().unwrap().push(line.to_owned()))?;
    // What is wrong comes first: all that happened is long.
    println!("{report}\n{}", lines.into_inner()?.join("\n"));
    ensure!(report.faults().is_empty(), "{:?}", report.faults());
    // What is accounted for must be much, or nothing was shown.
    ensure!(report.events > 100 && report.ledger.requests() > 15_000, "hardly anything happened");
    Ok(())
}
