use futures_util::{Stream, StreamExt};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use rtnetlink::packet_core::{NetlinkMessage, NetlinkPayload};
use rtnetlink::sys::SocketAddr;
use tokio::sync::watch;

/// How often the kernel has reported a change, by what it was about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Changes {
    /// Interfaces and addresses.
    interfaces: u64,
    neighbours: u64,
    /// Routes, and the rules by which they are chosen.
    routes: u64,
}

impl Changes {
    /// Whether the network is another one than after `earlier`. Routes count only for those who have back-ends `beyond` the
    /// balancer's segments: a router's tables may change all the time.
    pub(super) fn matter(self, earlier: Self, beyond: bool) -> bool {
        let routes = if beyond { self.routes } else { earlier.routes };
        Self { routes, ..self } != earlier
    }

    /// Is another number after every change that may concern a route.
    pub(super) fn of_routes(self) -> u64 {
        self.interfaces + self.routes
    }

    /// Counts a report, if it may concern a back-end: those about bridges' forwarding tables do not.
    fn count(&mut self, report: &NetlinkPayload<RouteNetlinkMessage>) -> bool {
        use RouteNetlinkMessage::{DelNeighbour, DelRoute, DelRule, NewNeighbour, NewRoute, NewRule};
        match report {
            NetlinkPayload::InnerMessage(NewNeighbour(neighbour) | DelNeighbour(neighbour)) => {
                let counts = matches!(neighbour.header.family, AddressFamily::Inet | AddressFamily::Inet6);
                self.neighbours += u64::from(counts);
                counts
            }
            NetlinkPayload::InnerMessage(NewRoute(_) | DelRoute(_) | NewRule(_) | DelRule(_)) => {
                self.routes += 1;
                true
            }
            NetlinkPayload::InnerMessage(_) => {
                self.interfaces += 1;
                true
            }
            // Reports were lost, and nobody knows which.
            _ => {
                *self =
                    Self { interfaces: self.interfaces + 1, neighbours: self.neighbours + 1, routes: self.routes + 1 };
                true
            }
        }
    }
}

/// Counts what the kernel reports.
pub(super) async fn listen(
    mut reports: impl Stream<Item = (NetlinkMessage<RouteNetlinkMessage>, SocketAddr)> + Unpin,
    changes: watch::Sender<Changes>,
) {
    while let Some((report, _)) = reports.next().await {
        changes.send_if_modified(|changes| changes.count(&report.payload));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use netlink_packet_route::address::AddressMessage;
    use netlink_packet_route::link::LinkMessage;
    use netlink_packet_route::neighbour::NeighbourMessage;
    use netlink_packet_route::route::RouteMessage;
    use netlink_packet_route::rule::RuleMessage;

    fn neighbour(family: AddressFamily) -> RouteNetlinkMessage {
        let mut message = NeighbourMessage::default();
        message.header.family = family;
        RouteNetlinkMessage::NewNeighbour(message)
    }

    #[test]
    fn reports_matter_to_those_whose_back_ends_they_may_concern() {
        use RouteNetlinkMessage::{DelRoute, NewAddress, NewLink, NewRule};
        let cases = [
            (NetlinkPayload::InnerMessage(neighbour(AddressFamily::Inet)), true, true, false),
            (NetlinkPayload::InnerMessage(neighbour(AddressFamily::Inet6)), true, true, false),
            (NetlinkPayload::InnerMessage(neighbour(AddressFamily::Bridge)), false, false, false),
            (NetlinkPayload::InnerMessage(NewLink(LinkMessage::default())), true, true, true),
            (NetlinkPayload::InnerMessage(NewAddress(AddressMessage::default())), true, true, true),
            (NetlinkPayload::InnerMessage(DelRoute(RouteMessage::default())), false, true, true),
            (NetlinkPayload::InnerMessage(NewRule(RuleMessage::default())), false, true, true),
            (NetlinkPayload::Overrun(Vec::new()), true, true, true),
        ];
        for (report, on_segment, beyond, to_routes) in cases {
            let mut changes = Changes { interfaces: 7, neighbours: 7, routes: 7 };
            let before = changes;
            assert_eq!(changes.count(&report), on_segment || beyond, "{report:?}");
            assert_eq!(changes.matter(before, false), on_segment, "{report:?}");
            assert_eq!(changes.matter(before, true), beyond, "{report:?}");
            assert_eq!(changes.of_routes() != before.of_routes(), to_routes, "{report:?}");
        }
    }
}
