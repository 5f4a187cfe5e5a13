//! The kernel, and what this process may do.

use super::{Check, Finding, Severity, worst};
use procfs::KernelVersion;

/// What there is to know of the kernel.
#[derive(Clone, Debug)]
pub(super) struct Kernel {
    /// `None` when it does not say.
    pub(super) version: Option<KernelVersion>,
    pub(super) has_bpf: bool,
    /// `net.core.bpf_jit_enable`; `None` when the kernel has no such switch, because it always compiles or never does.
    pub(super) jit: Option<u8>,
    pub(super) has_btf: bool,
    /// How many bytes this process may lock in memory; `None` without a limit.
    pub(super) memlock: Option<u64>,
    /// The file system that the pins are on, or are to be, if that matters.
    pub(super) pins: Pinnable,
    /// Rights that this process lacks to look at everything.
    pub(super) lacking: Option<String>,
}

/// Whether maps and links can be pinned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Pinnable {
    /// They can.
    Yes,
    /// This folder is on another file system.
    No(String),
    /// Nobody pins anything on this machine.
    NotNeeded,
}

/// Locked memory that the largest of the usual maps fits into.
const ROOM_FOR_MAPS: u64 = 256 << 20;

pub(super) fn findings(kernel: &Kernel) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut add = |check, found: String| findings.push(Finding::new(check, "", &[], found));
    let older = |major, minor| kernel.version.is_some_and(|version| version < KernelVersion::new(major, minor, 0));
    let version = kernel.version.map_or_else(
        || "of an unknown version".to_owned(),
        |version| format!("{}.{}.{}", version.major, version.minor, version.patch),
    );
    if older(5, 9) {
        add(Check::KernelTooOld, format!("Linux {version}"));
    } else if older(5, 16) {
        add(Check::KernelAsksOnce, format!("Linux {version}"));
    }
    if !kernel.has_bpf {
        add(Check::BpfMissing, "there is no sysctl kernel.unprivileged_bpf_disabled".to_owned());
    }
    if kernel.jit == Some(0) {
        add(Check::BpfJitOff, "net.core.bpf_jit_enable is 0".to_owned());
    }
    if !kernel.has_btf {
        add(Check::BtfMissing, "there is no /sys/kernel/btf/vmlinux".to_owned());
    }
    if let Some(limit) = kernel.memlock.filter(|&limit| older(5, 11) && limit < ROOM_FOR_MAPS) {
        add(Check::MemlockLow, format!("the limit is {limit} bytes"));
    }
    if let Pinnable::No(folder) = &kernel.pins {
        add(Check::BpffsMissing, format!("{folder} is on another file system"));
    }
    if let Some(lacking) = &kernel.lacking {
        add(Check::NotExamined, format!("this process lacks {lacking}: not everything can be seen"));
    }
    if worst(&findings) < Severity::Warning {
        let jit = if kernel.jit.is_some() { ", BPF compiled" } else { "" };
        findings.insert(0, Finding::new(Check::Kernel, "", &[], format!("Linux {version}{jit}")));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(change: impl FnOnce(&mut Kernel)) -> Vec<&'static str> {
        let mut kernel = Kernel {
            version: Some(KernelVersion::new(6, 1, 0)),
            has_bpf: true,
            jit: Some(1),
            has_btf: true,
            memlock: Some(8 << 20),
            pins: Pinnable::Yes,
            lacking: None,
        };
        change(&mut kernel);
        findings(&kernel).iter().map(|finding| finding.name).collect()
    }

    #[test]
    fn each_shortcoming_has_its_name() {
        let version =
            |major, minor| move |kernel: &mut Kernel| kernel.version = Some(KernelVersion::new(major, minor, 0));
        assert_eq!(names(|_| {}), ["kernel"]);
        assert_eq!(names(version(5, 15)), ["kernel", "kernel-asks-once"]);
        assert_eq!(names(version(5, 4)), ["kernel-too-old", "memlock-low"]);
        assert_eq!(names(|kernel| kernel.has_bpf = false), ["bpf-missing"]);
        assert_eq!(names(|kernel| kernel.jit = Some(0)), ["bpf-jit-off"]);
        assert_eq!(names(|kernel| kernel.has_btf = false), ["kernel", "btf-missing"]);
        assert_eq!(names(|kernel| kernel.pins = Pinnable::No("/tmp".to_owned())), ["bpffs-missing"]);
        assert_eq!(names(|kernel| kernel.lacking = Some("CAP_BPF".to_owned())), ["not-examined"]);
    }

    #[test]
    fn locked_memory_counts_for_old_kernels_only() {
        let old =
            |limit| names(|kernel| (kernel.version, kernel.memlock) = (Some(KernelVersion::new(5, 10, 0)), limit));
        assert_eq!(old(Some(1 << 16)), ["kernel-asks-once", "memlock-low"]);
        assert_eq!(old(None), ["kernel", "kernel-asks-once"]);
        assert_eq!(old(Some(1 << 30)), ["kernel", "kernel-asks-once"]);
    }
}
