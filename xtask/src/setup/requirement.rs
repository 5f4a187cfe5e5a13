//! What building and testing need, and where each thing comes from.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::distribution::{Distribution, Tool};
use crate::bpf::{linker, toolchain::Toolchain};
use crate::{deny, process};

/// One thing a machine must have.
pub(crate) struct Requirement {
    pub(crate) name: &'static str,
    /// Why the project needs it, to be read after its name.
    pub(crate) why: &'static str,
    pub(crate) scope: Scope,
    /// Quick: every task asks it first.
    pub(crate) is_met: fn() -> bool,
    pub(crate) remedy: fn(Distribution) -> Remedy,
}

/// What a thing is needed for. Each scope up to [`Scope::Lab`] includes the one before; those behind it include all these, and not each other,
/// but for [`Scope::Deny`], which looks at nothing but files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Scope {
    Build,
    /// Packages, and looking at what is in them.
    Dist,
    /// Network namespaces with the real program in them: the lab, the end-to-end tests, the benchmarks.
    Lab,
    /// What Handoff is measured beside.
    Peers,
    /// Other kernels, in virtual machines.
    Vm,
    /// What the workspace depends on, by licence and by name.
    Deny,
}

impl Scope {
    /// Whether whoever needs this needs what is in `other` too.
    pub(super) fn includes(self, other: Self) -> bool {
        self == other || (other < self && other <= Self::Lab && self != Self::Deny)
    }
}

/// How a missing thing is had.
pub(crate) enum Remedy {
    /// Packages, by the names that the distribution gives them; installing them needs root.
    Packages(&'static [&'static str]),
    /// The same, of a program that the tests start by themselves, while its package makes it a service.
    Service { packages: &'static [&'static str], unit: &'static str },
    /// A command that needs no root.
    Command(Command),
    /// A command that only root may run.
    RootCommand(Command),
    /// What we leave to a person, as a command or a sentence.
    Advice(&'static str),
}

impl Remedy {
    /// The packages that it takes.
    pub(crate) fn packages(&self) -> &'static [&'static str] {
        match self {
            Self::Packages(packages) | Self::Service { packages, .. } => packages,
            Self::Command(_) | Self::RootCommand(_) | Self::Advice(_) => &[],
        }
    }

    /// The service that comes with them, and which nobody wants.
    pub(crate) fn unit(&self) -> Option<&'static str> {
        match self {
            Self::Service { unit, .. } => Some(unit),
            _ => None,
        }
    }
}

pub(crate) const REQUIREMENTS: &[Requirement] = &[
    Requirement {
        name: "a C compiler",
        why: "the TLS library has parts in C",
        scope: Scope::Build,
        is_met: || has_program("cc"),
        remedy: |distribution| Remedy::Packages(distribution.packages(Tool::CCompiler)),
    },
    Requirement {
        name: "a C++ compiler",
        why: "libFuzzer is C++",
        scope: Scope::Build,
        is_met: || has_program("c++"),
        remedy: |distribution| Remedy::Packages(distribution.packages(Tool::CxxCompiler)),
    },
    Requirement {
        name: "protoc",
        why: "the client of etcd is made from etcd's protocol files when it is built",
        scope: Scope::Build,
        is_met: has_protoc,
        remedy: |distribution| Remedy::Packages(distribution.packages(Tool::Protoc)),
    },
    Requirement {
        name: "libpcap",
        why: "`handoff capture --engine pcap` captures with it, and it compiles the filters of captures",
        scope: Scope::Build,
        is_met: || has_program("pcap-config"),
        remedy: |distribution| Remedy::Packages(distribution.packages(Tool::Libpcap)),
    },
    Requirement {
        name: "a Rust toolchain for eBPF",
        why: "the XDP program is Rust, and the workspace's toolchain has no `core` for BPF",
        scope: Scope::Build,
        is_met: || Toolchain::find().is_some(),
        remedy: toolchain_remedy,
    },
    Requirement {
        name: "bpf-linker",
        why: "it links the XDP program and writes its BTF",
        scope: Scope::Build,
        is_met: || linker::find().is_some(),
        remedy: |_| Remedy::Command(install_linker()),
    },
    Requirement {
        name: "dpkg-deb",
        why: "it makes the Debian package",
        scope: Scope::Dist,
        is_met: || has_program("dpkg-deb"),
        remedy: |distribution| Remedy::Packages(distribution.packages(Tool::Dpkg)),
    },
    Requirement {
        name: "mandoc",
        why: "the tests read the manual pages with it",
        scope: Scope::Dist,
        is_met: || has_program("mandoc"),
        remedy: |distribution| Remedy::Packages(distribution.packages(Tool::Mandoc)),
    },
    Requirement {
        name: "systemd-analyze",
        why: "the tests check the unit with it",
        scope: Scope::Dist,
        is_met: || has_program("systemd-analyze"),
        remedy: |distribution| Remedy::Packages(distribution.packages(Tool::Systemd)),
    },
    Requirement {
        name: "the BPF file system",
        why: "the agent pins maps and links there, so that they outlive it",
        scope: Scope::Lab,
        is_met: bpffs_is_mounted,
        remedy: bpffs_remedy,
    },
    Requirement {
        name: "ip",
        why: "the lab builds its network namespaces with it",
        scope: Scope::Lab,
        is_met: || has_program("ip"),
        remedy: |distribution| Remedy::Packages(distribution.packages(Tool::Ip)),
    },
    Requirement {
        name: "ethtool",
        why: "the lab turns checksum offload off with it",
        scope: Scope::Lab,
        is_met: || has_program("ethtool"),
        remedy: |distribution| Remedy::Packages(distribution.packages(Tool::Ethtool)),
    },
    Requirement {
        name: "tmux",
        why: "the end-to-end tests look at `handoff top` in its terminals",
        scope: Scope::Lab,
        is_met: || has_program("tmux"),
        remedy: |distribution| Remedy::Packages(distribution.packages(Tool::Tmux)),
    },
    Requirement {
        name: "bird",
        why: "the end-to-end tests announce VIPs by it",
        scope: Scope::Lab,
        is_met: || has_program("bird"),
        remedy: |distribution| Remedy::Packages(distribution.packages(Tool::Bird)),
    },
    Requirement {
        name: "nginx",
        why: "the end-to-end tests give it ticket keys",
        scope: Scope::Lab,
        is_met: || has_program("nginx"),
        remedy: |distribution| Remedy::Service { packages: distribution.packages(Tool::Nginx), unit: "nginx" },
    },
    Requirement {
        name: "haproxy",
        why: "the end-to-end tests give it ticket keys",
        scope: Scope::Lab,
        is_met: || has_program("haproxy"),
        remedy: |distribution| Remedy::Service { packages: distribution.packages(Tool::HaProxy), unit: "haproxy" },
    },
    Requirement {
        name: "apache",
        why: "the end-to-end tests give it ticket keys",
        scope: Scope::Lab,
        is_met: || has_program("apache2") || has_program("httpd"),
        remedy: |distribution| Remedy::Packages(distribution.packages(Tool::Apache)),
    },
    Requirement {
        name: "etcd",
        why: "agents of the end-to-end tests agree by it who makes the ticket keys",
        scope: Scope::Lab,
        is_met: || has_program("etcd"),
        remedy: |distribution| Remedy::Service { packages: distribution.packages(Tool::Etcd), unit: "etcd" },
    },
    Requirement {
        name: "chromium",
        why: "the end-to-end tests look at the dashboard with it",
        scope: Scope::Lab,
        is_met: || has_program("chromium") || has_program("google-chrome-stable"),
        remedy: |distribution| Remedy::Packages(distribution.packages(Tool::Chromium)),
    },
    Requirement {
        name: "tshark",
        why: "the end-to-end tests read captured packets with it",
        scope: Scope::Lab,
        is_met: || has_program("tshark"),
        remedy: |distribution| Remedy::Packages(distribution.packages(Tool::Tshark)),
    },
    Requirement {
        name: "libfaketime",
        why: "the soak sets the clock of an agent by it, and of nothing else",
        scope: Scope::Lab,
        is_met: || FAKETIME_FOLDERS.iter().any(|folder| Path::new(folder).join("libfaketime.so.1").is_file()),
        remedy: |distribution| Remedy::Packages(distribution.packages(Tool::Faketime)),
    },
    Requirement {
        name: "nft",
        why: "`bench peers` measures it",
        scope: Scope::Peers,
        is_met: || has_program("nft"),
        remedy: |distribution| Remedy::Packages(distribution.packages(Tool::Nft)),
    },
    Requirement {
        name: "nginx's stream module",
        why: "`bench peers` measures it",
        scope: Scope::Peers,
        is_met: || NGINX_MODULES.iter().any(|folder| Path::new(folder).join("ngx_stream_module.so").is_file()),
        remedy: |distribution| Remedy::Packages(distribution.packages(Tool::NginxStream)),
    },
    Requirement {
        name: "qemu",
        why: "`test vm` boots other kernels in it",
        scope: Scope::Vm,
        is_met: || has_program("qemu-system-x86_64"),
        remedy: |distribution| Remedy::Packages(distribution.packages(Tool::Qemu)),
    },
    Requirement {
        name: "busybox",
        why: "it is the shell in these machines",
        scope: Scope::Vm,
        is_met: || has_program("busybox"),
        remedy: |distribution| Remedy::Packages(distribution.packages(Tool::Busybox)),
    },
    Requirement {
        name: "cpio",
        why: "it packs what they boot with",
        scope: Scope::Vm,
        is_met: || has_program("cpio"),
        remedy: |distribution| Remedy::Packages(distribution.packages(Tool::Cpio)),
    },
    Requirement {
        name: "ipvsadm",
        why: "`bench vm` measures IPVS, which is set up by it",
        scope: Scope::Vm,
        is_met: || has_program("ipvsadm"),
        remedy: |distribution| Remedy::Packages(distribution.packages(Tool::Ipvsadm)),
    },
    Requirement {
        name: "strip",
        why: "these machines have little memory",
        scope: Scope::Vm,
        is_met: || has_program("strip"),
        remedy: |distribution| Remedy::Packages(distribution.packages(Tool::Binutils)),
    },
    Requirement {
        name: "cargo-deny",
        why: "`cargo xtask deny` asks it",
        scope: Scope::Deny,
        is_met: deny::is_installed,
        remedy: |_| Remedy::Command(deny::install()),
    },
];

/// Where distributions have the modules of nginx.
const NGINX_MODULES: [&str; 2] = ["/usr/lib/nginx/modules", "/usr/lib64/nginx/modules"];

/// Where distributions have libfaketime.
const FAKETIME_FOLDERS: [&str; 4] = [
    "/usr/lib/x86_64-linux-gnu/faketime",
    "/usr/lib/aarch64-linux-gnu/faketime",
    "/usr/lib64/faketime",
    "/usr/lib/faketime",
];

const BPFFS: &str = "/sys/fs/bpf";

fn toolchain_remedy(distribution: Distribution) -> Remedy {
    match distribution {
        Distribution::Debian => Remedy::Packages(&["rustc-web", "libstd-rust-web-dev-bpf"]),
        _ => Remedy::Advice("rustup toolchain install nightly --component rust-src"),
    }
}

fn install_linker() -> Command {
    let version = linker::VERSION;
    process::plain("cargo", &["install", "bpf-linker", "--version", version, "--locked"])
}

fn bpffs_remedy(_: Distribution) -> Remedy {
    if Path::new(BPFFS).exists() {
        Remedy::RootCommand(process::plain("mount", &["-t", "bpf", "bpf", BPFFS]))
    } else {
        Remedy::Advice(
            "/sys/fs/bpf does not exist: use a kernel with CONFIG_BPF_SYSCALL, or give the container its /sys",
        )
    }
}

fn bpffs_is_mounted() -> bool {
    fs::read_to_string("/proc/self/mounts").is_ok_and(|mounts| lists_bpffs(&mounts))
}

/// Whether a line `device folder type options ...` of the mounts is the BPF file system in its usual place.
fn lists_bpffs(mounts: &str) -> bool {
    mounts.lines().any(|line| {
        let mut fields = line.split_whitespace().skip(1);
        fields.next() == Some(BPFFS) && fields.next() == Some("bpf")
    })
}

fn has_program(name: &str) -> bool {
    programs(name).next().is_some()
}

/// The compiler, and Google's own files beside it, which Debian has in another package.
fn has_protoc() -> bool {
    let own = Path::new("include/google/protobuf/descriptor.proto");
    programs("protoc").any(|program| program.ancestors().nth(2).is_some_and(|root| root.join(own).is_file()))
}

/// Where there is a program of this name. Looks into the system's own folders as well: what only root is meant to call is not on
/// everyone's PATH.
fn programs(name: &str) -> impl Iterator<Item = PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let system = ["/usr/sbin", "/sbin"].map(PathBuf::from);
    let folders: Vec<_> = env::split_paths(&path).chain(system).collect();
    folders.into_iter().map(move |folder| folder.join(name)).filter(|program| program.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bpffs_counts_only_in_its_usual_place() {
        assert!(lists_bpffs("bpf /sys/fs/bpf bpf rw,relatime 0 0\n"));
        assert!(lists_bpffs("none /sys/fs/bpf bpf rw 0 0\n"));
        assert!(!lists_bpffs("bpf /run/tc/bpf bpf rw 0 0\n"));
        assert!(!lists_bpffs("sysfs /sys sysfs rw 0 0\n"));
    }

    #[test]
    fn the_lab_needs_all_that_the_build_needs() {
        assert!(Scope::Lab.includes(Scope::Build) && Scope::Lab.includes(Scope::Dist));
        assert!(!Scope::Build.includes(Scope::Lab));
    }

    #[test]
    fn what_only_one_command_needs_is_for_that_one() {
        assert!(Scope::Peers.includes(Scope::Peers) && Scope::Peers.includes(Scope::Lab));
        assert!(
            !Scope::Lab.includes(Scope::Peers)
                && !Scope::Vm.includes(Scope::Peers)
                && !Scope::Peers.includes(Scope::Deny)
        );
        assert!(Scope::Deny.includes(Scope::Deny) && !Scope::Deny.includes(Scope::Build));
    }

    #[test]
    fn only_debian_has_a_compiled_core() {
        let packaged = |distribution| matches!(toolchain_remedy(distribution), Remedy::Packages(_));
        assert!(packaged(Distribution::Debian));
        assert!(!packaged(Distribution::DebianLike));
        assert!(!packaged(Distribution::Unknown));
    }
}
