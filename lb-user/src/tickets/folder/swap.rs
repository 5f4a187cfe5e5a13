//! Whether memory of a file system can get onto a disk.

use nix::sys::stat::{major, minor};
use procfs::process::{MountInfo, Process};
use std::fs;

/// Whether the kernel may write what is in a folder to swap: there is some, and the file system with the number `device` was not
/// mounted with `noswap`. So it is as well where the system does not tell.
pub(super) fn is_possible(device: u64) -> bool {
    is_on(&fs::read_to_string("/proc/swaps").unwrap_or_default()) && !is_excluded(device)
}

/// Whether there is a line below the heading of `/proc/swaps`.
fn is_on(swaps: &str) -> bool {
    swaps.lines().nth(1).is_some()
}

fn is_excluded(device: u64) -> bool {
    let number = format!("{}:{}", major(device), minor(device));
    let mounts = Process::myself().and_then(|process| process.mountinfo());
    mounts.is_ok_and(|mounts| mounts.iter().any(|mount| mount.majmin == number && is_kept(mount)))
}

/// Whether the kernel keeps the file system in memory: ramfs cannot be swapped at all.
fn is_kept(mount: &MountInfo) -> bool {
    mount.fs_type == "ramfs" || mount.super_options.contains_key("noswap")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_swap_when_a_line_names_some() {
        let heading = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n";
        assert!(!is_on(""));
        assert!(!is_on(heading));
        assert!(is_on(&format!("{heading}/dev/vda2 partition 1048572 0 -2\n")));
    }

    #[test]
    fn only_options_of_the_mount_keep_it_in_memory() {
        let is_kept = |line: &str| is_kept(&MountInfo::from_line(line).expect("a line of mountinfo"));
        assert!(!is_kept("36 35 0:45 / /run/keys rw,relatime shared:1 - tmpfs tmpfs rw,size=1024k,mode=700"));
        assert!(is_kept("36 35 0:45 / /run/keys rw,relatime shared:1 - tmpfs tmpfs rw,size=1024k,mode=700,noswap"));
        assert!(is_kept("36 35 0:45 / /run/keys rw,relatime - ramfs ramfs rw,mode=700"));
    }
}
