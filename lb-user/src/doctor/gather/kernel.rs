use crate::agent::rights;
use crate::bpf::Pins;
use crate::doctor::kernel::{Kernel, Pinnable};
use caps::Capability;
use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit};
use procfs::KernelVersion;
use std::fs;
use std::path::Path;

/// The kernel that runs, for an agent with these pins, or for a back-end, which has none.
pub(in crate::doctor) fn kernel(pins: Option<&Pins>) -> Kernel {
    let memlock = getrlimit(Resource::RLIMIT_MEMLOCK).ok().map(|(soft, _)| soft);
    Kernel {
        version: KernelVersion::current().ok(),
        has_bpf: Path::new("/proc/sys/kernel/unprivileged_bpf_disabled").exists(),
        jit: fs::read_to_string("/proc/sys/net/core/bpf_jit_enable").ok().and_then(|text| text.trim().parse().ok()),
        has_btf: Path::new("/sys/kernel/btf/vmlinux").exists(),
        memlock: memlock.filter(|&limit| limit != RLIM_INFINITY),
        pins: match pins {
            None => Pinnable::NotNeeded,
            Some(pins) if pins.are_on_bpffs() => Pinnable::Yes,
            Some(pins) => Pinnable::No(pins.folder().display().to_string()),
        },
        lacking: rights::lacking(&[Capability::CAP_NET_ADMIN, Capability::CAP_BPF, Capability::CAP_SYS_ADMIN]),
    }
}
