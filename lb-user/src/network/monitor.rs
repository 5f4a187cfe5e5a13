use super::changes::{Changes, listen};
use super::remembered::Remembered;
use super::route::RouteCache;
use super::{Error, Link, Network, Route, decode};
use futures_util::{Stream, TryStreamExt};
use netlink_packet_route::AddressFamily;
use netlink_packet_route::neighbour::{NeighbourAttribute, NeighbourExtFlags, NeighbourFlags, NeighbourState};
use nix::libc::ENOBUFS;
use rtnetlink::{Handle, MulticastGroup, RouteMessageBuilder};
use std::collections::BTreeSet;
use std::future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::pin::pin;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

/// Least time between two reports of changes: looking at a large network costs some milliseconds, and changes come in bursts.
const REPORT_INTERVAL: Duration = Duration::from_millis(100);

/// Asks the kernel about the network, and listens to what it tells by itself. Belongs to the network namespace of the thread that
/// starts it.
pub struct Monitor {
    requests: Handle,
    changes: watch::Receiver<Changes>,
    reported: Changes,
    next_report: Instant,
    routes: RouteCache,
    remembered: Remembered,
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
        let (changes_connection, _, reports) = rtnetlink::new_multicast_connection(&[
            MulticastGroup::Link,
            MulticastGroup::Ipv4Ifaddr,
            MulticastGroup::Ipv6Ifaddr,
            MulticastGroup::Neigh,
            MulticastGroup::Ipv4Route,
            MulticastGroup::Ipv6Route,
            MulticastGroup::Ipv4Rule,
            MulticastGroup::Ipv6Rule,
        ])
        .map_err(open)?;
        let (changed, changes) = watch::channel(Changes::default());
        let mut tasks = JoinSet::new();
        tasks.spawn(requests_connection);
        tasks.spawn(changes_connection);
        tasks.spawn(listen(reports, changed));
        let now = Instant::now();
        Ok(Self {
            requests,
            changes,
            reported: Changes::default(),
            next_report: now,
            routes: RouteCache::new(now.into_std()),
            remembered: Remembered::default(),
            _tasks: tasks,
        })
    }

    /// The network at this moment, with the routes to the addresses `routed`. Let it finish: the kernel makes one list at a time for
    /// a socket, and refuses the next one as busy while one that was given up still runs.
    ///
    /// # Errors
    /// When the kernel does not answer.
    pub async fn snapshot(&mut self, routed: &BTreeSet<IpAddr>) -> Result<Network, Error> {
        // Routes are of before what changes from here on: the next snapshot asks for them again.
        let changes = *self.changes.borrow();
        let links = self.requests.link().get().execute();
        let links =
            list("interfaces", links, |message| decode::link(&message).map(|link| (link.ifindex, link))).await?;
        let addresses = self.requests.address().get().execute();
        let addresses = list("addresses", addresses, |message| decode::address(&message)).await?;
        let neighbours = self.requests.neighbours().get().set_address_family(AddressFamily::Unspec).execute();
        let mut neighbours = list("neighbours", neighbours, |message| decode::neighbour(&message)).await?;
        self.remembered.complete(&mut neighbours, Instant::now().into_std());
        for address in self.routes.refresh(routed, changes.of_routes(), Instant::now().into_std()) {
            self.routes.insert(address, self.route(address).await?);
        }
        Ok(Network { links, addresses, neighbours, routes: self.routes.routes().clone() })
    }

    /// What the kernel would do with a packet of the balancer's own to `address`, as `ip route get` shows it.
    async fn route(&self, address: IpAddr) -> Result<Route, Error> {
        let request = match address {
            IpAddr::V4(address) => RouteMessageBuilder::<Ipv4Addr>::new().destination_prefix(address, 32).build(),
            IpAddr::V6(address) => RouteMessageBuilder::<Ipv6Addr>::new().destination_prefix(address, 128).build(),
        };
        let mut answers = pin!(self.requests.route().get(request).execute());
        let answer = answers.try_next().await.map_err(reason);
        decode::route(answer).map_err(|source| Error::Route { address, source })
    }

    /// Waits until interfaces, addresses, neighbours or, if there were any in the last snapshot, routes have changed since the last
    /// call. Many changes at once are one report. Cancel safe: what was not reported yet is reported by the next call.
    ///
    /// # Errors
    /// When the kernel's reports cannot be received any more.
    pub async fn changed(&mut self) -> Result<(), Error> {
        sleep_until(self.next_report).await;
        let (reported, beyond) = (self.reported, !self.routes.routes().is_empty());
        let changes = self.changes.wait_for(|changes| changes.matter(reported, beyond)).await;
        self.reported = *changes.map_err(|_| Error::Closed)?;
        self.next_report = Instant::now() + REPORT_INTERVAL;
        Ok(())
    }

    /// Has the kernel find out the Ethernet address of the neighbour `address`. From Linux 5.16 on it keeps asking by itself,
    /// whether there is an answer or not; older kernels ask this once. [`Network::probe_on`] tells who needs it, and on which
    /// interface; a permanent entry would lose what the operator set.
    ///
    /// # Errors
    /// When the kernel refuses, its table is full, or the interface is gone.
    pub async fn probe(&self, link: &Link, address: IpAddr) -> Result<(), Error> {
        let request = self.requests.neighbours().add(link.ifindex, address);
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
    let decoded = answers.try_filter_map(|message| future::ready(Ok(decode(message))));
    decoded.try_collect().await.map_err(|error| Error::List { what, source: reason(error) })
}

/// What the kernel says, without netlink's wrapping.
fn reason(error: rtnetlink::Error) -> io::Error {
    match error {
        rtnetlink::Error::NetlinkError(message) => message.to_io(),
        other => io::Error::other(other),
    }
}
