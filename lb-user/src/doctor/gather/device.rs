use crate::network;
use futures_util::TryStreamExt;
use netlink_packet_route::link::{InfoKind, LinkAttribute, LinkFlags, LinkInfo, LinkMessage};
use std::io;

/// An interface of any kind.
pub(super) struct Device {
    pub(super) name: String,
    pub(super) kind: Option<InfoKind>,
    pub(super) is_up: bool,
    /// Packets that the card has lost because there was no room.
    pub(super) missed: u64,
}

/// All interfaces of the thread's network namespace.
pub(super) async fn devices() -> Result<Vec<Device>, network::Error> {
    let (connection, requests, _) = rtnetlink::new_connection().map_err(|source| network::Error::Open { source })?;
    let connection = tokio::spawn(connection);
    let links: Result<Vec<_>, _> = requests.link().get().execute().try_collect().await;
    connection.abort();
    let links = links.map_err(|error| network::Error::List { what: "interfaces", source: io::Error::other(error) })?;
    Ok(links.iter().filter_map(device).collect())
}

fn device(message: &LinkMessage) -> Option<Device> {
    let (mut name, mut kind, mut missed) = (None, None, 0);
    for attribute in &message.attributes {
        match attribute {
            LinkAttribute::IfName(text) => name = Some(text.clone()),
            LinkAttribute::Stats64(counted) => missed = counted.rx_missed_errors + counted.rx_fifo_errors,
            LinkAttribute::LinkInfo(info) => {
                kind = info.iter().find_map(|info| match info {
                    LinkInfo::Kind(kind) => Some(kind.clone()),
                    _ => None,
                });
            }
            _ => {}
        }
    }
    Some(Device { name: name?, kind, is_up: message.header.flags.contains(LinkFlags::Up), missed })
}
