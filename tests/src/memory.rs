//! How large BPF maps are, by what the kernel charges for them.

use anyhow::{Context, Result};
use aya::maps::MapData;
use aya::programs::ProgramInfo;
use std::fs;
use std::os::fd::{AsFd, AsRawFd};
use std::path::Path;

const MIB: f64 = 1024.0 * 1024.0;

/// MiB of the maps that are pinned in `folder` and below.
///
/// # Errors
/// When there is no such folder.
pub fn pinned_maps(folder: &Path) -> Result<f64> {
    let mut sum = 0.0;
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.is_dir() {
            sum += pinned_maps(&path)?;
        } else if let Ok(map) = MapData::from_pin(&path)
            // Links are pinned there as well, and have no memory of their own.
            && let Ok(size) = told_of(map.fd(), "memlock:")
        {
            sum += size as f64 / MIB;
        }
    }
    Ok(sum)
}

/// MiB of the maps of a program.
///
/// # Errors
/// When the kernel does not tell.
pub fn program_maps(program: &ProgramInfo) -> Result<f64> {
    let ids = program.map_ids()?.context("the kernel does not say which maps there are")?;
    let sizes = ids.into_iter().map(|id| told_of(MapData::from_id(id)?.fd(), "memlock:"));
    Ok(sizes.sum::<Result<u64>>()? as f64 / MIB)
}

/// What the kernel tells of an open map or program.
///
/// # Errors
/// When it does not.
pub fn told_of(file: impl AsFd, key: &str) -> Result<u64> {
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
