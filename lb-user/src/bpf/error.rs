use aya::EbpfError;
use aya::maps::MapError;
use aya::programs::ProgramError;
use aya::sys::SyscallError;
use std::io;
use std::path::PathBuf;

/// What can go wrong with the XDP program and its maps.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The object cannot be loaded.
    #[error(
        "cannot load the XDP object: {0}; the agent needs root, or CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON, and Linux 5.15 or newer"
    )]
    Load(#[from] EbpfError),
    /// The embedded object lacks something, or a map is of another kind: agent and object were not built together.
    #[error("the XDP object has no {kind} \"{name}\" as this agent knows it: build both with `cargo xtask build`")]
    Object {
        /// `map` or `program`.
        kind: &'static str,
        /// Its name.
        name: &'static str,
    },
    /// The kernel rejects the program.
    #[error("the kernel rejects the XDP program \"{name}\": {source}")]
    Verifier {
        /// Its name.
        name: String,
        /// Why.
        source: Box<ProgramError>,
    },
    /// A map cannot be read or written.
    #[error("map {name}: {source}")]
    Map {
        /// Its name.
        name: &'static str,
        /// Why.
        source: Box<MapError>,
    },
    /// A map cannot be mapped into memory.
    #[error("map {name} cannot be mapped into memory: {source}")]
    Mapping {
        /// Its name.
        name: &'static str,
        /// Why.
        source: io::Error,
    },
    /// A pinned map is not what this agent would make.
    #[error(
        "{}: the pinned map has {found}, this agent needs {wanted}: let go of it with `handoff stop --purge --pin-folder {}`, which ends forwarding until the next start",
        path.display(), folder.display()
    )]
    Shape {
        /// The pin.
        path: PathBuf,
        /// What it is.
        found: String,
        /// What it should be.
        wanted: String,
        /// The folder of the pins.
        folder: PathBuf,
    },
    /// The pinned flow table has another size than the configuration says.
    #[error(
        "flow-table: {key} is {wanted}, but the table that is pinned has room for {found}: set it to {found}, or let go of all flows with `handoff stop --purge --pin-folder {}`, which ends forwarding until the next start",
        folder.display()
    )]
    TableSize {
        /// The key of the configuration.
        key: &'static str,
        /// Entries that the pinned table has room for.
        found: u32,
        /// Entries that the configuration asks for.
        wanted: u32,
        /// The folder of the pins.
        folder: PathBuf,
    },
    /// The kernel does not measure run times.
    #[error(
        "the kernel refuses to measure run times: {source}; leave out `measure-run-time`, or give the agent CAP_SYS_ADMIN"
    )]
    Statistics {
        /// Why.
        source: Box<SyscallError>,
    },
    /// A pin cannot be made, opened or removed.
    #[error("{}: {source}", path.display())]
    Pin {
        /// The pin or its folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The pin folder is not on a BPF file system.
    #[error("{}: not on a BPF file system, so nothing can be pinned there; run `mount -t bpf bpf /sys/fs/bpf`", path.display())]
    NotBpffs {
        /// The folder.
        path: PathBuf,
    },
    /// The program cannot be attached.
    #[error("interface {interface}: {reason}")]
    Attach {
        /// The interface.
        interface: String,
        /// What is in the way, and what to do.
        reason: String,
    },
}

impl Error {
    /// Somebody else's program is attached to the interface.
    pub(crate) fn busy(interface: &str) -> Self {
        let reason = format!(
            "another XDP program is attached: detach it with the tool that attached it (another Handoff: `handoff stop --purge` with its --socket or --pin-folder; a program without a link: `ip link set dev {interface} xdp off`)"
        );
        Self::Attach { interface: interface.to_owned(), reason }
    }

    pub(super) fn map(name: &'static str) -> impl FnOnce(MapError) -> Self {
        move |source| Self::Map { name, source: Box::new(source) }
    }
}
