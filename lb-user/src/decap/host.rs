//! The host's interfaces and addresses, over netlink. They are those of the network namespace of the thread that connects.

use super::Error;
use futures_util::{Stream, StreamExt, TryStreamExt};
use netlink_packet_route::address::{AddressAttribute, AddressHeaderFlags, AddressMessage, AddressScope, CacheInfo};
use netlink_packet_route::link::{InfoKind, LinkAttribute, LinkInfo, LinkLayerType, LinkMessage};
use rtnetlink::{Handle, MulticastGroup};
use std::collections::{BTreeMap, BTreeSet};
use std::future::ready;
use std::io;
use std::net::IpAddr;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

/// Interfaces and addresses at one moment.
#[derive(Clone, Debug, Default)]
pub(super) struct Interfaces {
    /// By their index.
    pub(super) links: BTreeMap<u32, Link>,
    pub(super) addresses: Vec<Own>,
}

/// An interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) index: u32,
    pub(super) name: String,
    pub(super) is_ethernet: bool,
    /// The interfaces that it is stacked on: those in a bridge or a bond, and the one that a VLAN is on.
    pub(super) below: Vec<u32>,
}

/// An address of the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Own {
    /// Index of the interface that it belongs to.
    pub(super) index: u32,
    pub(super) address: IpAddr,
    /// Length of its subnet's prefix.
    pub(super) prefix_len: u8,
}

impl Interfaces {
    /// The interface with this index, and all that packets are handed on to that arrive there: what is stacked on it.
    pub(super) fn stack(&self, index: u32) -> BTreeSet<u32> {
        let mut stack = BTreeSet::from([index]);
        loop {
            let on_it = self.links.values().filter(|link| link.below.iter().any(|below| stack.contains(below)));
            let higher: BTreeSet<u32> = on_it.map(|link| link.index).collect();
            if higher.is_subset(&stack) {
                return stack;
            }
            stack.extend(higher);
        }
    }
}

/// Least time between two reports of changes, which come in bursts.
const REPORT_INTERVAL: Duration = Duration::from_millis(100);

/// The connection to the kernel.
pub(super) struct Host {
    requests: Handle,
    changes: watch::Receiver<()>,
    next_report: Instant,
    /// They run the sockets, and end with the connection.
    _tasks: JoinSet<()>,
}

impl Host {
    /// Connects, and listens to changes from now on.
    pub(super) fn connect() -> Result<Self, Error> {
        let open = |source| Error::Netlink { what: "cannot open a socket", source };
        let (requests_connection, requests, _) = rtnetlink::new_connection().map_err(open)?;
        let groups = [MulticastGroup::Link, MulticastGroup::Ipv4Ifaddr, MulticastGroup::Ipv6Ifaddr];
        let (changes_connection, _, mut messages) = rtnetlink::new_multicast_connection(&groups).map_err(open)?;
        let (changed, changes) = watch::channel(());
        let mut tasks = JoinSet::new();
        tasks.spawn(requests_connection);
        tasks.spawn(changes_connection);
        tasks.spawn(async move {
            while messages.next().await.is_some() {
                changed.send_replace(());
            }
        });
        Ok(Self { requests, changes, next_report: Instant::now(), _tasks: tasks })
    }

    /// Waits until interfaces or addresses have changed since the last call. Many changes at once are one. Cancel safe.
    pub(super) async fn changed(&mut self) -> Result<(), Error> {
        sleep_until(self.next_report).await;
        self.changes.changed().await.map_err(|_| Error::Netlink {
            what: "changes are not told any more",
            source: io::ErrorKind::ConnectionAborted.into(),
        })?;
        self.next_report = Instant::now() + REPORT_INTERVAL;
        Ok(())
    }

    /// Interfaces and addresses at this moment.
    pub(super) async fn look(&self) -> Result<Interfaces, Error> {
        let messages: Vec<LinkMessage> = list("cannot list interfaces", self.requests.link().get().execute()).await?;
        let mut links: BTreeMap<u32, Link> = messages.iter().filter_map(link).map(|link| (link.index, link)).collect();
        for message in &messages {
            // A bridge does not name its ports: they name it.
            let above = message.attributes.iter().find_map(|attribute| match attribute {
                LinkAttribute::Controller(index) => Some(*index),
                _ => None,
            });
            if let Some(above) = above.and_then(|above| links.get_mut(&above)) {
                above.below.push(message.header.index);
            }
        }
        let addresses = list("cannot list addresses", self.requests.address().get().execute()).await?;
        Ok(Interfaces { links, addresses: addresses.iter().filter_map(own).collect() })
    }

    /// Gives a VIP to the loopback interface.
    pub(super) async fn add(&self, vip: IpAddr) -> io::Result<()> {
        let mut request = self.requests.address().add(LOOPBACK, vip, host_len(vip));
        let message = request.message_mut();
        // Servers answer from it because clients ask it. What this host begins by itself must not come from it: the answers would go
        // to the balancer.
        match vip {
            IpAddr::V4(_) => message.header.scope = AddressScope::Host,
            IpAddr::V6(_) => {
                message.attributes.push(AddressAttribute::CacheInfo(deprecated()));
                // Servers can have it as soon as it is there; back-ends have it side by side in any case.
                message.header.flags |= AddressHeaderFlags::Nodad;
            }
        }
        request.execute().await.map_err(reason)
    }

    /// Takes a VIP from the loopback interface.
    pub(super) async fn remove(&self, vip: IpAddr) -> io::Result<()> {
        // An address is told from others by what it is made from.
        let message = self.requests.address().add(LOOPBACK, vip, host_len(vip)).message_mut().clone();
        self.requests.address().del(message).execute().await.map_err(reason)
    }
}

/// Index of the loopback interface, in every network namespace.
const LOOPBACK: u32 = 1;

fn host_len(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

/// How long an address lives that is valid for ever, and preferred to no other (RFC 4862, 5.5.4).
fn deprecated() -> CacheInfo {
    let mut lifetimes = CacheInfo::default();
    (lifetimes.ifa_valid, lifetimes.ifa_preferred) = (u32::MAX, 0);
    lifetimes
}

async fn list<M>(
    what: &'static str,
    answers: impl Stream<Item = Result<M, rtnetlink::Error>>,
) -> Result<Vec<M>, Error> {
    let messages = answers.try_filter_map(|message| ready(Ok(Some(message))));
    messages.try_collect().await.map_err(|error| Error::Netlink { what, source: reason(error) })
}

/// What the kernel says, without netlink's wrapping.
fn reason(error: rtnetlink::Error) -> io::Error {
    match error {
        rtnetlink::Error::NetlinkError(message) => message.to_io(),
        other => io::Error::other(other),
    }
}

fn link(message: &LinkMessage) -> Option<Link> {
    let (mut name, mut parent, mut is_vlan, mut is_elsewhere) = (None, None, false, false);
    for attribute in &message.attributes {
        match attribute {
            LinkAttribute::IfName(text) => name = Some(text.clone()),
            LinkAttribute::Link(index) => parent = Some(*index),
            LinkAttribute::LinkNetNsId(_) => is_elsewhere = true,
            LinkAttribute::LinkInfo(infos) => is_vlan = infos.contains(&LinkInfo::Kind(InfoKind::Vlan)),
            _ => {}
        }
    }
    Some(Link {
        index: message.header.index,
        name: name?,
        is_ethernet: message.header.link_layer_type == LinkLayerType::Ether,
        // For other kinds this is no interface below: for a veth device, the far end.
        below: parent.filter(|_| is_vlan && !is_elsewhere).into_iter().collect(),
    })
}

/// An address of the host, if no other host may have it as well.
fn own(message: &AddressMessage) -> Option<Own> {
    if message.header.flags.intersects(AddressHeaderFlags::Tentative | AddressHeaderFlags::Dadfailed) {
        return None;
    }
    let (mut local, mut address) = (None, None);
    for attribute in &message.attributes {
        match attribute {
            AddressAttribute::Local(own) => local = Some(*own),
            // The peer's on a point-to-point link, and then there is a local one.
            AddressAttribute::Address(own) => address = Some(*own),
            _ => {}
        }
    }
    Some(Own { index: message.header.index, address: local.or(address)?, prefix_len: message.header.prefix_len })
}
