use std::io;
use std::net::IpAddr;

/// Why the kernel cannot be asked about the network.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no netlink socket.
    #[error("cannot open a netlink socket: {source}; if the agent runs in a sandbox, allow AF_NETLINK sockets there")]
    Open {
        /// What the system says.
        source: io::Error,
    },
    /// The kernel does not list something.
    #[error("cannot list the {what} over netlink: {source}; restart the agent, forwarding goes on meanwhile")]
    List {
        /// What was asked for.
        what: &'static str,
        /// What the kernel says.
        source: io::Error,
    },
    /// The kernel does not say where it would send a packet.
    #[error(
        "cannot ask for the route to {address} over netlink: {source}; compare `ip route get {address}`, and restart the agent, forwarding goes on meanwhile"
    )]
    Route {
        /// The destination.
        address: IpAddr,
        /// What the kernel says.
        source: io::Error,
    },
    /// The kernel does not resolve a neighbour.
    #[error(
        "interface {interface}: cannot have {address} resolved: {source}; check that the interface still exists and that the agent has CAP_NET_ADMIN"
    )]
    Probe {
        /// The interface.
        interface: String,
        /// The neighbour.
        address: IpAddr,
        /// What the kernel says.
        source: io::Error,
    },
    /// The kernel remembers as many neighbours as it may.
    #[error(
        "interface {interface}: cannot have {address} resolved: the kernel's neighbour table is full; raise the sysctl net.{}.neigh.default.gc_thresh3 well above the number of back-ends",
        family(.address)
    )]
    TableFull {
        /// The interface.
        interface: String,
        /// The neighbour.
        address: IpAddr,
    },
    /// Changes are not reported any more.
    #[error("the netlink socket for changes of the network failed: restart the agent, forwarding goes on meanwhile")]
    Closed,
}

/// The family's name in sysctl keys.
fn family(address: &IpAddr) -> &'static str {
    match address {
        IpAddr::V4(_) => "ipv4",
        IpAddr::V6(_) => "ipv6",
    }
}
