use super::{Link, Network, decode};
use futures_util::{Stream, StreamExt, TryStreamExt};
use netlink_packet_route::neighbour::{NeighbourAttribute, NeighbourExtFlags, NeighbourFlags, NeighbourState};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use nix::libc::ENOBUFS;
use rtnetlink::packet_core::{NetlinkMessage, NetlinkPayload};
use rtnetlink::sys::SocketAddr;
use rtnetlink::{Handle, MulticastGroup};
use std::io;
use std::net::Ipv4Addr;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

/// Least time between two reports of changes: looking at a large network costs some milliseconds, and changes come in bursts.
const REPORT_INTERVAL: Duration = Duration::from_millis(100);

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
    /// The kernel does not resolve a neighbour.
    #[error(
        "interface {interface}: cannot have {address} resolved: {source}; check that the interface still exists and that the agent has CAP_NET_ADMIN"
    )]
    Probe {
        /// The interface.
        interface: String,
        /// The neighbour.
        address: Ipv4Addr,
        /// What the kernel says.
        source: io::Error,
    },
    /// The kernel remembers as many neighbours as it may.
    #[error(
        "interface {interface}: cannot have {address} resolved: the kernel's neighbour table is full; raise the sysctl net.ipv4.neigh.default.gc_thresh3 well above the number of back-ends"
    )]
    TableFull {
        /// The interface.
        interface: String,
        /// The neighbour.
        address: Ipv4Addr,
    },
    /// Changes are not reported any more.
    #[error("the netlink socket for changes of the network failed: restart the agent, forwarding goes on meanwhile")]
    Closed,
}

/// Asks the kernel about the network, and listens to what it tells by itself. Belongs to the network namespace of the thread that
/// starts it.
pub struct Monitor {
    requests: Handle,
    changes: watch::Receiver<()>,
    next_report: Instant,
    /// They run the sockets, and end with the monitor.
    _tasks: JoinSet<()>,
}

impl Monitor {
    /// Starts to listen. No change after that is missed, so a first [`Monitor::snapshot`] should come later.
    ///
    /// # Errors
    /// When netlink cannot be used.
    pub async fn start() -> Result<Self, Error> {
        let open = |source| Error::Open { source };
        // Two sockets: a storm of changes may overrun the buffer of one, and answers to requests must not be lost in it.
        let (requests_connection, requests, _) = rtnetlink::new_connection().map_err(open)?;
        let (changes_connection, _, messages) = rtnetlink::new_multicast_connection(&[
            MulticastGroup::Link,
            MulticastGroup::Ipv4Ifaddr,
            MulticastGroup::Neigh,
        ])
        .map_err(open)?;
        let (changed, changes) = watch::channel(());
        let mut tasks = JoinSet::new();
        tasks.spawn(requests_connection);
        tasks.spawn(changes_connection);
        tasks.spawn(listen(messages, changed));
        Ok(Self { requests, changes, next_report: Instant::now(), _tasks: tasks })
    }

    /// The network at this moment. Let it finish: the kernel makes one list at a time for a socket, and refuses the next one as
    /// busy while one that was given up still runs.
    ///
    /// # Errors
    /// When the kernel does not answer.
    pub async fn snapshot(&mut self) -> Result<Network, Error> {
        let links = self.requests.link().get().execute();
        let links =
            list("interfaces", links, |message| decode::link(&message).map(|link| (link.ifindex, link))).await?;
        let mut addresses = self.requests.address().get();
        addresses.message_mut().header.family = AddressFamily::Inet;
        let addresses = list("addresses", addresses.execute(), |message| decode::address(&message)).await?;
        let neighbours = self.requests.neighbours().get().set_address_family(AddressFamily::Inet).execute();
        let neighbours = list("neighbours", neighbours, |message| decode::neighbour(&message)).await?;
        Ok(Network { links, addresses, neighbours })
    }

    /// Waits until interfaces, addresses or neighbours have changed since the last call. Many changes at once are one report.
    /// Cancel safe: what was not reported yet is reported by the next call.
    ///
    /// # Errors
    /// When the kernel's reports cannot be received any more.
    pub async fn changed(&mut self) -> Result<(), Error> {
        sleep_until(self.next_report).await;
        self.changes.changed().await.map_err(|_| Error::Closed)?;
        self.next_report = Instant::now() + REPORT_INTERVAL;
        Ok(())
    }

    /// Has the kernel find out the Ethernet address of the neighbour `address`. From Linux 5.16 on it keeps asking by itself,
    /// whether there is an answer or not; older kernels ask this once. [`Network::probe_on`] tells who needs it, and on which
    /// interface; a permanent entry would lose what the operator set.
    ///
    /// # Errors
    /// When the kernel refuses, its table is full, or the interface is gone.
    pub async fn probe(&self, link: &Link, address: Ipv4Addr) -> Result<(), Error> {
        let request = self.requests.neighbours().add(link.ifindex, address.into());
        // Older kernels skip the flag that makes the entry a managed one, and heed "use".
        let mut request = request.replace().state(NeighbourState::None).flags(NeighbourFlags::Use);
        request.message_mut().attributes.push(NeighbourAttribute::ExtFlags(NeighbourExtFlags::Managed));
        request.execute().await.map_err(|error| {
            let (interface, source) = (link.name.clone(), reason(error));
            match source.raw_os_error() {
                Some(ENOBUFS) => Error::TableFull { interface, address },
                _ => Error::Probe { interface, address, source },
            }
        })
    }
}

/// Collects what `decode` makes of the kernel's answers.
async fn list<M, T, C>(
    what: &'static str,
    answers: impl Stream<Item = Result<M, rtnetlink::Error>>,
    decode: impl Fn(M) -> Option<T>,
) -> Result<C, Error>
where
    C: Default + Extend<T>,
{
    let decoded = answers.try_filter_map(|message| std::future::ready(Ok(decode(message))));
    decoded.try_collect().await.map_err(|error| Error::List { what, source: reason(error) })
}

/// Tells `changed` about each message that may concern a back-end.
async fn listen(
    mut messages: impl Stream<Item = (NetlinkMessage<RouteNetlinkMessage>, SocketAddr)> + Unpin,
    changed: watch::Sender<()>,
) {
    while let Some((message, _)) = messages.next().await {
        if concerns_backends(&message.payload) {
            changed.send_replace(());
        }
    }
}

/// All messages do, the one about lost messages included, but for those about IPv6 neighbours and bridges' forwarding tables.
fn concerns_backends(payload: &NetlinkPayload<RouteNetlinkMessage>) -> bool {
    match payload {
        NetlinkPayload::InnerMessage(
            RouteNetlinkMessage::NewNeighbour(neighbour) | RouteNetlinkMessage::DelNeighbour(neighbour),
        ) => neighbour.header.family == AddressFamily::Inet,
        _ => true,
    }
}

/// What the kernel says, without netlink's wrapping.
fn reason(error: rtnetlink::Error) -> io::Error {
    match error {
        rtnetlink::Error::NetlinkError(message) => message.to_io(),
        other => io::Error::other(other),
    }
}
