//! What the kernel tells of BPF maps and programs.

use crate::memory::MIB;
use anyhow::{Context, Result};
use aya::maps::MapData;
use aya::programs::loaded_programs;
use std::fs;
use std::os::fd::{AsFd, AsRawFd};
use std::path::Path;

/// Whether the kernel keeps time of every run of every program, which costs each run some time.
const KEEP_TIME: &str = "/proc/sys/kernel/bpf_stats_enabled";

/// MiB of the maps that are pinned in `folder` and below.
pub(crate) fn maps_memory(folder: &Path) -> Result<f64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.is_dir() {
            bytes += (maps_memory(&path)? * MIB) as u64;
        } else if let Ok(map) = MapData::from_pin(&path)
            // Links are pinned there as well, and have no memory of their own.
            && let Ok(size) = told_of(map.fd(), "memlock:")
        {
            bytes += size;
        }
    }
    Ok(bytes as f64 / MIB)
}

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

fn told_of(file: impl AsFd, key: &str) -> Result<u64> {
    let path = format!("/proc/self/fdinfo/{}", file.as_fd().as_raw_fd());
    value(&fs::read_to_string(&path)?, key).with_context(|| format!("{path} does not tell {key}"))
}

fn value(fdinfo: &str, key: &str) -> Option<u64> {
    fdinfo.lines().find_map(|line| line.strip_prefix(key)?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_by_their_keys() {
        let fdinfo = "pos:\t0\nprog_id:\t7\nrun_time_ns:\t1500\n";
        assert_eq!(value(fdinfo, "run_time_ns:"), Some(1_500));
        assert_eq!(value(fdinfo, "memlock:"), None);
    }
}
