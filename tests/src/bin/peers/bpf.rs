//! What the kernel tells of BPF programs.

use anyhow::{Context, Result};
use aya::programs::loaded_programs;
use lb_tests::memory::told_of;
use std::fs;

/// Whether the kernel keeps time of every run of every program, which costs each run some time.
const KEEP_TIME: &str = "/proc/sys/kernel/bpf_stats_enabled";

/// Seconds that the program with this number has run while the kernel kept time.
pub(crate) fn program_time(id: u32) -> Result<f64> {
    let program = loaded_programs().filter_map(Result::ok).find(|program| program.id() == id);
    let program = program.with_context(|| format!("no BPF program has the number {id}"))?;
    Ok(told_of(program.fd()?, "run_time_ns:")? as f64 / 1e9)
}

/// Does `work` while the kernel keeps time of programs.
pub(crate) fn keeping_time<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    let keep = |value: &str| fs::write(KEEP_TIME, value).context(KEEP_TIME);
    let before = fs::read_to_string(KEEP_TIME).context(KEEP_TIME)?;
    keep("1")?;
    let worked = work();
    keep(before.trim())?;
    worked
}
