use super::model::is_link_local;
use super::{Link, NeighbourKind, Network, Route, Unreachable, Vlans};
use crate::config::Forwarding;
use lb_common::wire::Mac;
use std::cmp::Reverse;
use std::net::IpAddr;

/// How far packets get to back-ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// To hosts on the balancer's own segments, as packets with an unchanged IP header do: a router would send them back.
    Segment,
    /// To all hosts that the kernel has a route to, as packets in a tunnel do.
    Routed,
}

impl Reach {
    /// How far packets get that are forwarded like this.
    pub fn of(forwarding: Forwarding) -> Self {
        match forwarding {
            Forwarding::L2Dsr => Self::Segment,
            Forwarding::Ipip(_) | Forwarding::Gue(..) => Self::Routed,
        }
    }
}

/// The next hop on the way to a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NextHop {
    /// The interface that frames leave by; for a VLAN, the one below it.
    pub ifindex: u32,
    /// The host's Ethernet address, or that of the router towards it.
    pub mac: Mac,
    /// The interface's own Ethernet address.
    pub source_mac: Mac,
    /// VLAN tags that frames leave with.
    pub vlans: Vlans,
    /// Longest IP packet, in bytes.
    pub mtu: u32,
    /// The balancer's own address that the kernel would send from; `None` when it has none that fits.
    pub source: Option<IpAddr>,
}

/// How packets leave towards a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Way<'a> {
    /// The interface of the segment that they go to first. A VLAN is a segment of its own.
    pub link: &'a Link,
    /// Who gets them there: the host itself, or the router towards it, which may be of the other family.
    pub neighbour: IpAddr,
    /// Longest IP packet, in bytes.
    pub mtu: u32,
    /// The balancer's own address that the kernel would send from; `None` when it has none that fits.
    pub source: Option<IpAddr>,
}

impl Network {
    /// The next hop on the way to the host `address`.
    ///
    /// # Errors
    /// When there is none at this moment.
    pub fn next_hop(&self, address: IpAddr, reach: Reach) -> Result<NextHop, Unreachable> {
        let Way { link, neighbour, mtu, source } = self.way(address, reach)?;
        let (physical, vlans) = self.physical(link)?;
        if let Some(down) = [physical, link].into_iter().find(|link| !link.up) {
            return Err(Unreachable::LinkDown { interface: down.name.clone() });
        }
        match self.neighbours.get(&(link.ifindex, neighbour)).and_then(|neighbour| neighbour.mac) {
            Some(mac) => Ok(NextHop { ifindex: physical.ifindex, mac, source_mac: link.mac, vlans, mtu, source }),
            None => Err(self.unanswered(link, neighbour, address)),
        }
    }

    /// Why the Ethernet address of `neighbour`, on the way to the host `address`, is not known.
    fn unanswered(&self, link: &Link, neighbour: IpAddr, address: IpAddr) -> Unreachable {
        let interface = link.name.clone();
        let mut own = self.addresses.iter().filter(|own| own.ifindex == link.ifindex);
        if neighbour.is_ipv6() && !own.any(|own| is_link_local(own.address)) {
            Unreachable::NoLinkLocal { interface }
        } else if neighbour == address {
            Unreachable::Unresolved { interface, address }
        } else {
            Unreachable::GatewayUnresolved { interface, gateway: neighbour }
        }
    }

    /// The way to the host `address`, whether anybody answers there or not.
    ///
    /// # Errors
    /// When `address` cannot be a back-end until somebody changes the configuration, or the balancer's addresses or routes.
    pub fn way(&self, address: IpAddr, reach: Reach) -> Result<Way<'_>, Unreachable> {
        if self.addresses.iter().any(|own| own.address == address) {
            return Err(Unreachable::OwnAddress { address });
        }
        if is_link_local(address) {
            return Err(Unreachable::LinkLocal { address });
        }
        match (reach, self.routes.get(&address)) {
            (Reach::Segment, _) if self.addresses.iter().any(|own| own.names_subnet(address)) => {
                Err(Unreachable::NotOneHost { address })
            }
            (Reach::Segment, _) => self.connected(address).ok_or(Unreachable::NotConnected { address }),
            (Reach::Routed, Some(route)) => self.routed(address, *route),
            // The kernel was not asked: a host on a segment needs no route.
            (Reach::Routed, None) => self.connected(address).ok_or(Unreachable::NoRoute { address }),
        }
    }

    /// By the interface with the smallest subnet that holds `address`, and one that is up before one that is down.
    fn connected(&self, address: IpAddr) -> Option<Way<'_>> {
        let connections = self.addresses.iter().filter(|own| own.connects(address));
        connections
            .filter_map(|own| Some((own, self.links.get(&own.ifindex)?)))
            .max_by_key(|(own, link)| (link.up, own.prefix_len, Reverse(link.ifindex)))
            .map(|(own, link)| Way { link, neighbour: address, mtu: link.mtu, source: Some(own.address) })
    }

    fn routed(&self, address: IpAddr, route: Route) -> Result<Way<'_>, Unreachable> {
        match route {
            Route::Out { ifindex, gateway, source, mtu } => {
                let link = self.links.get(&ifindex).ok_or(Unreachable::NotEthernet { address })?;
                let mtu = mtu.map_or(link.mtu, |mtu| mtu.min(link.mtu));
                Ok(Way { link, neighbour: gateway.unwrap_or(address), mtu, source })
            }
            Route::Encapsulated => Err(Unreachable::NotEthernet { address }),
            Route::Local => Err(Unreachable::OwnAddress { address }),
            Route::Group => Err(Unreachable::NotOneHost { address }),
            Route::Discard(kind) => Err(Unreachable::Discarded { address, kind }),
            Route::Missing => Err(Unreachable::NoRoute { address }),
        }
    }

    /// Who should be probed on the way to the host `address`, and on which interface ([`super::Monitor::probe`]); `None` when the
    /// Ethernet address is kept up to date already, or there is nowhere to ask.
    pub fn probe_on(&self, address: IpAddr, reach: Reach) -> Option<(&Link, IpAddr)> {
        let Way { link, neighbour, .. } = self.way(address, reach).ok().filter(|way| way.link.up)?;
        let known = self.neighbours.get(&(link.ifindex, neighbour));
        known.is_none_or(|known| known.kind == NeighbourKind::Dynamic).then_some((link, neighbour))
    }
}

#[cfg(test)]
mod tests;
