use super::Change;
use crate::bpf;
use std::io::{self, ErrorKind};
use std::net::IpAddr;
use std::path::PathBuf;

/// Why a back-end is not set up, or not as it was before.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The process may not do what it should.
    #[error("not allowed: handoff decap lacks {missing}; run it as root, as `sudo handoff decap`")]
    Rights {
        /// The capabilities that it lacks.
        missing: String,
    },
    /// There is no such interface.
    #[error("interface {interface}: this machine has no such Ethernet interface; it has {known}")]
    NoInterface {
        /// The interface.
        interface: String,
        /// Those that there are.
        known: String,
    },
    /// The segment would be told that the VIP is here.
    #[error(
        "VIP {vip} is an address of {interface}, which answers ARP for it, so its clients would go past the balancer: take it away with `ip addr del {vip}/{len} dev {interface}`"
    )]
    Announced {
        /// The VIP.
        vip: IpAddr,
        /// Length of its subnet's prefix.
        len: u8,
        /// The interface.
        interface: String,
    },
    /// Somebody else is doing this.
    #[error(
        "{}: another handoff decap is running on this host{}; end it with SIGTERM, or give it all interfaces and VIPs",
        path.display(), process(pid)
    )]
    Running {
        /// The lock.
        path: PathBuf,
        /// Its process, as it wrote it.
        pid: String,
    },
    /// A file or folder cannot be read, written, made or removed.
    #[error("{}: {source}; name a folder for record and lock that may be written with --run-folder", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The record says nothing that can be undone.
    #[error("{}: not a record of what to undo: {source}; undo it by hand, and remove the file", path.display())]
    Record {
        /// The record.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
    /// A setting cannot be read.
    #[error("/proc/sys/{key}: {source}; is /proc mounted?")]
    Setting {
        /// Name of the setting, as sysctl(8) takes it.
        key: String,
        /// Why.
        source: io::Error,
    },
    /// Something cannot be changed.
    #[error("cannot change {change}: {source}{}", remedy(change, source))]
    Change {
        /// What.
        change: Change,
        /// Why.
        source: io::Error,
    },
    /// Something could not be undone.
    #[error("left as it is: {}; try again with `handoff decap --undo`", list(left))]
    Undo {
        /// Each change that is still there, and why.
        left: Vec<(Change, io::Error)>,
    },
    /// The kernel cannot be asked about the network, or does not tell of its changes.
    #[error("netlink: {what}: {source}; if handoff decap runs in a sandbox, allow AF_NETLINK sockets there")]
    Netlink {
        /// What was asked for.
        what: &'static str,
        /// What the system says.
        source: io::Error,
    },
    /// An interface was taken away.
    #[error("interface {interface} is gone, and the program with it: start again when it is back")]
    Gone {
        /// The interface.
        interface: String,
    },
    /// The program cannot be loaded or attached, or its maps cannot be read or written.
    #[error(transparent)]
    Bpf(#[from] bpf::Error),
    /// Signals cannot be caught.
    #[error("handoff decap could not be told to end: signals cannot be caught: {0}")]
    Signals(io::Error),
}

impl Error {
    /// A failure with the file or folder at `path`.
    pub(super) fn file(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, source }
    }
}

fn process(pid: &str) -> String {
    if pid.is_empty() { String::new() } else { format!(" (process {pid})") }
}

fn remedy(change: &Change, error: &io::Error) -> &'static str {
    match (change, error.kind()) {
        (Change::Vip { address: IpAddr::V6(_) }, ErrorKind::PermissionDenied) => {
            "; is IPv6 switched off there? Switch it on with `sysctl -w net.ipv6.conf.lo.disable_ipv6=0`"
        }
        (Change::Setting { .. }, ErrorKind::ReadOnlyFilesystem) => {
            "; /proc/sys is read-only here, as in most containers: run it on the host"
        }
        _ => "",
    }
}

fn list(left: &[(Change, io::Error)]) -> String {
    let lines: Vec<_> = left.iter().map(|(change, error)| format!("{change}: {error}")).collect();
    lines.join("; ")
}
