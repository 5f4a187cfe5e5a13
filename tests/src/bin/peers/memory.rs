//! Memory that a balancer takes, in MiB.

use anyhow::{Context, Result};
use procfs::process::{Process, all_processes};
use std::fs;

/// What a balancer takes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Memory {
    /// Its processes.
    pub(crate) user: f64,
    /// Tables in the kernel, where the kernel tells.
    pub(crate) kernel: Option<f64>,
}

const MIB: f64 = 1024.0 * 1024.0;

/// A process and its children; what they share counts once (PSS).
pub(crate) fn process_memory(pid: u32) -> Result<f64> {
    let pid = i32::try_from(pid)?;
    let is_child = |process: &Process| process.stat().is_ok_and(|stat| stat.ppid == pid);
    let children = all_processes()?.filter_map(Result::ok).filter(is_child);
    let mut bytes = 0;
    for process in [Process::new(pid)?].into_iter().chain(children) {
        let mappings = process.smaps_rollup().with_context(|| format!("memory of process {}", process.pid()))?;
        bytes += mappings.memory_map_rollup.iter().filter_map(|map| map.extension.map.get("Pss")).sum::<u64>();
    }
    Ok(bytes as f64 / MIB)
}

/// The connections that the kernel tracks in the namespace of this thread, and the table that they are found by; `None` when the kernel does not
/// tell how large a connection is.
pub(crate) fn connection_tracking_memory() -> Result<Option<f64>> {
    let read = |name: &str| -> Result<u64> {
        let path = format!("/proc/sys/net/netfilter/nf_conntrack_{name}");
        fs::read_to_string(&path).with_context(|| path.clone())?.trim().parse().with_context(|| path)
    };
    /// Bytes of a bucket: one pointer.
    const BUCKET: u64 = 8;
    let Some(size) = object_size(&fs::read_to_string("/proc/slabinfo").unwrap_or_default(), "nf_conntrack") else {
        return Ok(None);
    };
    Ok(Some((read("count")? * size + read("buckets")? * BUCKET) as f64 / MIB))
}

/// Bytes of an object of the cache `name`: the fourth word of its line.
fn object_size(slabinfo: &str, name: &str) -> Option<u64> {
    let mut lines = slabinfo.lines().map(str::split_whitespace);
    lines.find_map(|mut words| (words.next()? == name).then(|| words.nth(2)?.parse().ok())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_of_objects_are_in_the_fourth_column() {
        let slabinfo = "slabinfo - version: 2.1\nnf_conntrack_expect 0 0 208\nnf_conntrack        12     40    248   16    1 : tunables\n";
        assert_eq!(object_size(slabinfo, "nf_conntrack"), Some(248));
        assert_eq!(object_size(slabinfo, "skbuff"), None);
    }
}
