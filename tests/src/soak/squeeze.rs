//! A process that may not get more memory.

use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::process;

/// Where control groups are, with the file of their bound: those of version 2, and those of version 1.
const PLACES: [(&str, &str); 2] =
    [("/sys/fs/cgroup", "memory.high"), ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")];
/// What it may get besides what it has: pages that it has lent from files count.
const MORE: &str = "16777216";

/// A control group with a process in it.
pub(super) struct Squeeze {
    process: u32,
    group: PathBuf,
    /// Where it was before, as far as memory goes.
    former: PathBuf,
}

impl Squeeze {
    /// Puts a process into a group; `None` where the kernel does not bound memory, and when there is no such process any more.
    pub(super) fn begin(process: u32) -> Result<Option<Self>> {
        let has_bound = |&&(place, _): &&(&str, &str)| Path::new(place).join("cgroup.procs").exists() && bounds(place);
        let Some((place, bound)) = PLACES.iter().find(has_bound) else { return Ok(None) };
        let Ok(groups) = fs::read_to_string(format!("/proc/{process}/cgroup")) else { return Ok(None) };
        let former = Path::new(place).join(former(&groups, place)?.trim_start_matches('/'));
        let group = Path::new(place).join(format!("ho-soak-{}", process::id()));
        fs::create_dir_all(&group).with_context(|| group.display().to_string())?;
        let squeeze = Self { process, group, former };
        fs::write(squeeze.group.join(bound), MORE).with_context(|| squeeze.group.join(bound).display().to_string())?;
        // It may have ended just now.
        let _ = fs::write(squeeze.group.join("cgroup.procs"), process.to_string());
        Ok(Some(squeeze))
    }

    /// Lets it go.
    pub(super) fn end(self) -> Result<()> {
        // It may have ended meanwhile.
        let _ = fs::write(self.former.join("cgroup.procs"), self.process.to_string());
        fs::remove_dir(&self.group).with_context(|| self.group.display().to_string())
    }
}

/// Whether groups at this place can bound memory.
fn bounds(place: &str) -> bool {
    let controllers = fs::read_to_string(Path::new(place).join("cgroup.subtree_control"));
    controllers.map_or(true, |controllers| controllers.split_whitespace().any(|name| name == "memory"))
}

/// The group that a process with these groups is in, below a place.
fn former(groups: &str, place: &str) -> Result<String> {
    let is_meant = |line: &&str| {
        let controllers = line.split(':').nth(1).unwrap_or_default();
        if place.ends_with("memory") { controllers == "memory" } else { controllers.is_empty() }
    };
    let line = groups.lines().find(is_meant).context("the process is in no group")?;
    Ok(line.splitn(3, ':').nth(2).unwrap_or("/").to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_group_of_a_process_is_by_the_kind_of_groups() {
        let (first, second) = ("4:memory:/user/a\n1:cpu:/b\n0::/c\n", "0::/system.slice/x.service\n");
        assert_eq!(former(first, "/sys/fs/cgroup/memory").unwrap(), "/user/a");
        assert_eq!(former(second, "/sys/fs/cgroup").unwrap(), "/system.slice/x.service");
        assert!(former(second, "/sys/fs/cgroup/memory").is_err());
    }
}
