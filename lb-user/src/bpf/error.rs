use aya::EbpfError;
use aya::maps::MapError;
use aya::programs::ProgramError;
use aya::sys::SyscallError;
use lb_common::abi::{MAX_ACCESS_PREFIXES, MAX_PORT_PREFIXES, MAX_QUIC_CONFIGS, MAX_QUIC_SERVERS};
use nix::errno::Errno;
use std::io;
use std::path::PathBuf;

/// What can go wrong with the XDP program and its maps.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The object cannot be loaded.
    #[error(
        "cannot load the XDP object: {0}; the agent needs root, or CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON, and Linux 6.1 or newer"
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
    #[error("map {name}: {}", cause(source))]
    Map {
        /// Its name.
        name: &'static str,
        /// Why.
        source: Box<MapError>,
    },
    /// A map has no room for another entry.
    #[error("map {name} is full: there is room for {limit}")]
    MapFull {
        /// Its name.
        name: &'static str,
        /// How many of what, and what to do.
        limit: String,
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
    #[error("{}: {source}{}", path.display(), remedy(source))]
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
        move |source| match limit(name).filter(|_| is_full(&source)) {
            Some(limit) => Self::MapFull { name, limit },
            None => Self::Map { name, source: Box::new(source) },
        }
    }
}

/// The error with what the kernel says: that of a system call alone tells no more than which one it was.
fn cause(error: &MapError) -> String {
    match io_error(error) {
        Some(reason) => format!("{error}: {reason}"),
        None => error.to_string(),
    }
}

/// Whether the kernel says that there is no room: a hash table with the one error, a trie with the other.
fn is_full(error: &MapError) -> bool {
    let kinds = [Errno::E2BIG as i32, Errno::ENOSPC as i32];
    io_error(error).and_then(io::Error::raw_os_error).is_some_and(|error| kinds.contains(&error))
}

fn io_error(error: &MapError) -> Option<&io::Error> {
    match error {
        MapError::SyscallError(SyscallError { io_error, .. }) => Some(io_error),
        _ => None,
    }
}

/// What to do about a pin that cannot be had.
fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::PermissionDenied => {
            "; let the agent's user enter /sys/fs/bpf and own the pin folder, as handoff.service does, or run the command as root"
        }
        _ => "",
    }
}

/// How much the map has room for, of those that a configuration can fill.
fn limit(name: &str) -> Option<String> {
    let limit = match name {
        "ACCESS" => format!(
            "{MAX_ACCESS_PREFIXES} prefixes of all services together, and a list that changes is there twice for a moment: \
             use fewer or shorter prefixes in `allow`, `allow-file`, `deny` and `deny-file`, or change fewer lists at once"
        ),
        "PORTS" => format!(
            "{MAX_PORT_PREFIXES} port prefixes: use fewer services with several ports, or ranges that begin and end at powers of two"
        ),
        "QUIC" => format!("{MAX_QUIC_CONFIGS} codepoints of all services together: use fewer `quic` entries"),
        "QUIC_SERVERS" => format!(
            "{MAX_QUIC_SERVERS} server IDs of all services together, those of back-ends that are going away among them: \
             use fewer, or add others when the removal grace is over"
        ),
        _ => return None,
    };
    Some(limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn update_failed(error: Errno) -> MapError {
        let io_error = io::Error::from_raw_os_error(error as i32);
        MapError::SyscallError(SyscallError { call: "bpf_map_update_elem", io_error })
    }

    #[test]
    fn a_failed_system_call_says_why() {
        let error = Error::map("SERVICES")(update_failed(Errno::EPERM));
        let expected = "map SERVICES: `bpf_map_update_elem` failed: Operation not permitted (os error 1)";
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn a_full_map_says_what_is_full_and_what_to_do() {
        for full in [Errno::ENOSPC, Errno::E2BIG] {
            let error = Error::map("ACCESS")(update_failed(full)).to_string();
            assert!(error.starts_with("map ACCESS is full: there is room for 1048576 prefixes"), "{error}");
        }
        let other = Error::map("ACCESS")(update_failed(Errno::ENOMEM)).to_string();
        assert!(other.starts_with("map ACCESS: ") && other.ends_with("(os error 12)"), "{other}");
    }
}
