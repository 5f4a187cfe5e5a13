use super::{Link, NeighbourKind, Network};
use crate::state::NextHop;
use std::cmp::Reverse;
use std::net::Ipv4Addr;

/// Why no packet gets to a back-end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreachable {
    /// No Ethernet interface has an address of its subnet.
    #[error(
        "{address} is in no connected subnet: l2-dsr needs the back-end on the balancer's own segment; add an address of that subnet to an interface"
    )]
    NotConnected {
        /// The back-end.
        address: Ipv4Addr,
    },
    /// The balancer itself has the address.
    #[error("{address} is an address of the balancer itself: a back-end must be another host")]
    OwnAddress {
        /// The back-end.
        address: Ipv4Addr,
    },
    /// The interface towards it is down.
    #[error("interface {interface} is down: switch it on with `ip link set dev {interface} up`, and check its cable")]
    LinkDown {
        /// The interface.
        interface: String,
    },
    /// It has not answered, or no longer does.
    #[error("no answer to ARP on {interface}: is the back-end up and on this segment?")]
    Unresolved {
        /// The interface.
        interface: String,
    },
}

impl Network {
    /// The way to the host `address`.
    ///
    /// # Errors
    /// When there is none at this moment.
    pub fn next_hop(&self, address: Ipv4Addr) -> Result<NextHop, Unreachable> {
        let link = self.connected(address)?;
        if !link.up {
            return Err(Unreachable::LinkDown { interface: link.name.clone() });
        }
        match self.neighbours.get(&(link.ifindex, address)).and_then(|neighbour| neighbour.mac) {
            Some(mac) => Ok(NextHop { ifindex: link.ifindex, mac, source_mac: link.mac }),
            None => Err(Unreachable::Unresolved { interface: link.name.clone() }),
        }
    }

    /// The interface towards the host `address`: the one with the smallest subnet that holds it, and one that is up before one
    /// that is down.
    ///
    /// # Errors
    /// When `address` cannot be a back-end until somebody changes the configuration or the balancer's addresses.
    pub fn connected(&self, address: Ipv4Addr) -> Result<&Link, Unreachable> {
        if self.addresses.iter().any(|own| own.address == address) {
            return Err(Unreachable::OwnAddress { address });
        }
        let connections = self.addresses.iter().filter(|own| own.connects(address));
        connections
            .filter_map(|own| Some((own.prefix_len, self.links.get(&own.ifindex)?)))
            .max_by_key(|(prefix_len, link)| (link.up, *prefix_len, Reverse(link.ifindex)))
            .map(|(_, link)| link)
            .ok_or(Unreachable::NotConnected { address })
    }

    /// The interface that the host `address` should be probed on ([`super::Monitor::probe`]); `None` when its Ethernet address is
    /// kept up to date already, or there is nowhere to ask.
    pub fn probe_on(&self, address: Ipv4Addr) -> Option<&Link> {
        let link = self.connected(address).ok().filter(|link| link.up)?;
        let neighbour = self.neighbours.get(&(link.ifindex, address));
        neighbour.is_none_or(|neighbour| neighbour.kind == NeighbourKind::Dynamic).then_some(link)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::{InterfaceAddress, Neighbour, XdpAttachment};
    use lb_common::wire::Mac;

    const ETH1: u32 = 2;
    const ETH2: u32 = 3;
    const DOWN: u32 = 4;
    const LOOPBACK: u32 = 1;
    const BACKEND_MAC: Mac = Mac::new([2, 0, 0, 0, 9, 9]);

    /// eth1 has 10.0.0.0/16, eth2 has 10.0.7.0/24 inside of it, and down, which is down, has 10.0.7.0/28 and 172.16.0.0/24.
    fn network() -> Network {
        let mut network = Network::default();
        for (ifindex, name, up) in [(ETH1, "eth1", true), (ETH2, "eth2", true), (DOWN, "down", false)] {
            let link = Link { ifindex, name: name.to_owned(), mac: mac(ifindex), up, xdp: XdpAttachment::None };
            network.links.insert(ifindex, link);
        }
        network.addresses = vec![
            own(LOOPBACK, [127, 0, 0, 1], 8),
            own(LOOPBACK, [192, 0, 2, 10], 32),
            own(ETH1, [10, 0, 0, 1], 16),
            own(ETH2, [10, 0, 7, 1], 24),
            own(DOWN, [10, 0, 7, 2], 28),
            own(DOWN, [172, 16, 0, 1], 24),
        ];
        network
    }

    fn mac(ifindex: u32) -> Mac {
        Mac::new([2, 0, 0, 0, 0, ifindex as u8])
    }

    fn own(ifindex: u32, address: [u8; 4], prefix_len: u8) -> InterfaceAddress {
        InterfaceAddress { ifindex, address: address.into(), subnet: address.into(), prefix_len }
    }

    fn with_neighbour(ifindex: u32, address: [u8; 4], mac: Option<Mac>, kind: NeighbourKind) -> Network {
        let mut network = network();
        network.neighbours.insert((ifindex, address.into()), Neighbour { mac, kind });
        network
    }

    #[test]
    fn the_way_is_the_neighbour_behind_the_interface_with_the_smallest_subnet_that_is_up() {
        let cases = [(ETH1, [10, 0, 6, 4]), (ETH2, [10, 0, 7, 200]), (ETH2, [10, 0, 7, 4]), (ETH1, [10, 0, 255, 254])];
        for (ifindex, address) in cases {
            let network = with_neighbour(ifindex, address, Some(BACKEND_MAC), NeighbourKind::Dynamic);
            let way = NextHop { ifindex, mac: BACKEND_MAC, source_mac: mac(ifindex) };
            assert_eq!(network.next_hop(address.into()), Ok(way), "{address:?}");
        }
    }

    #[test]
    fn of_two_like_subnets_the_interface_with_the_lowest_index_counts() {
        let mut network = network();
        network.addresses.insert(0, own(ETH2, [10, 0, 0, 2], 16));
        assert_eq!(network.connected([10, 0, 6, 4].into()).map(|link| link.ifindex), Ok(ETH1));
    }

    #[test]
    fn a_peer_is_connected_and_the_subnet_of_the_own_address_is_not() {
        let mut network = network();
        let peer = InterfaceAddress { subnet: [198, 51, 100, 7].into(), ..own(ETH1, [203, 0, 113, 1], 32) };
        network.addresses.push(peer);
        assert_eq!(network.connected([198, 51, 100, 7].into()).map(|link| link.ifindex), Ok(ETH1));
        assert!(network.connected([203, 0, 113, 2].into()).is_err());
    }

    #[test]
    fn what_is_in_the_way_is_said_with_its_remedy() {
        let not_connected = |address| {
            format!(
                "{address} is in no connected subnet: l2-dsr needs the back-end on the balancer's own segment; add an address of \
                 that subnet to an interface"
            )
        };
        let cases = [
            ([10, 9, 0, 1], not_connected("10.9.0.1")),
            // Neither the VIP's /32 nor the subnet of loopback leads to another host.
            ([192, 0, 2, 11], not_connected("192.0.2.11")),
            ([127, 0, 0, 2], not_connected("127.0.0.2")),
            (
                [10, 0, 0, 1],
                "10.0.0.1 is an address of the balancer itself: a back-end must be another host".to_owned(),
            ),
            (
                [192, 0, 2, 10],
                "192.0.2.10 is an address of the balancer itself: a back-end must be another host".to_owned(),
            ),
            (
                [172, 16, 0, 2],
                "interface down is down: switch it on with `ip link set dev down up`, and check its cable".to_owned(),
            ),
            ([10, 0, 7, 9], "no answer to ARP on eth2: is the back-end up and on this segment?".to_owned()),
        ];
        for (address, message) in cases {
            let unreachable = network().next_hop(address.into()).map_err(|unreachable| unreachable.to_string());
            assert_eq!(unreachable, Err(message));
        }
    }

    #[test]
    fn a_neighbour_that_did_not_answer_or_is_on_another_segment_is_no_way() {
        let address = [10, 0, 7, 9];
        let unresolved = Err(Unreachable::Unresolved { interface: "eth2".to_owned() });
        let failed = with_neighbour(ETH2, address, None, NeighbourKind::Managed);
        assert_eq!(failed.next_hop(address.into()), unresolved);
        let elsewhere = with_neighbour(ETH1, address, Some(BACKEND_MAC), NeighbourKind::Dynamic);
        assert_eq!(elsewhere.next_hop(address.into()), unresolved);
    }

    #[test]
    fn neighbours_are_probed_unless_somebody_keeps_them_up_to_date() {
        let address = [10, 0, 7, 9];
        let probed = |network: Network| network.probe_on(address.into()).map(|link| link.ifindex);
        assert_eq!(probed(network()), Some(ETH2));
        for (kind, expected) in
            [(NeighbourKind::Dynamic, Some(ETH2)), (NeighbourKind::Managed, None), (NeighbourKind::Permanent, None)]
        {
            for mac in [Some(BACKEND_MAC), None] {
                assert_eq!(probed(with_neighbour(ETH2, address, mac, kind)), expected, "{kind:?} {mac:?}");
            }
        }
    }

    #[test]
    fn nobody_is_probed_where_no_answer_can_come_from() {
        for address in [[10, 0, 0, 1], [10, 9, 0, 1], [172, 16, 0, 2]] {
            assert_eq!(network().probe_on(address.into()), None, "{address:?}");
        }
    }
}
