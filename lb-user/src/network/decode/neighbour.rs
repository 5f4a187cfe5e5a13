use super::mac;
use crate::network::{Neighbour, NeighbourKind};
use netlink_packet_route::neighbour::{
    NeighbourAddress, NeighbourAttribute, NeighbourExtFlags, NeighbourMessage, NeighbourState,
};
use std::net::IpAddr;

/// A neighbour, after the index of its interface and its address.
pub(in crate::network) fn neighbour(message: &NeighbourMessage) -> Option<((u32, IpAddr), Neighbour)> {
    let mut address = None;
    let mut lladdr = None;
    let mut managed = false;
    for attribute in &message.attributes {
        match attribute {
            NeighbourAttribute::Destination(NeighbourAddress::Inet(ipv4)) => address = Some((*ipv4).into()),
            NeighbourAttribute::Destination(NeighbourAddress::Inet6(ipv6)) => address = Some((*ipv6).into()),
            NeighbourAttribute::LinkLayerAddress(bytes) => lladdr = mac(bytes),
            NeighbourAttribute::ExtFlags(flags) => {
                managed = flags.contains(NeighbourExtFlags::Managed);
            }
            _ => {}
        }
    }
    let (usable, permanent) = match message.header.state {
        NeighbourState::Permanent | NeighbourState::Noarp => (true, true),
        // Stale is not wrong: nobody has asked lately.
        NeighbourState::Reachable | NeighbourState::Stale | NeighbourState::Delay | NeighbourState::Probe => {
            (true, false)
        }
        _ => (false, false),
    };
    let neighbour = Neighbour {
        // A broadcast or multicast address is nobody's own: frames to it would flood the segment.
        mac: lladdr.filter(|mac| usable && mac.octets()[0] & 1 == 0),
        kind: match (permanent, managed) {
            (true, _) => NeighbourKind::Permanent,
            (false, true) => NeighbourKind::Managed,
            (false, false) => NeighbourKind::Dynamic,
        },
        silent: message.header.state == NeighbourState::Failed,
    };
    Some(((message.header.ifindex, address?), neighbour))
}

#[cfg(test)]
mod tests {
    use super::*;
    use lb_common::wire::Mac;

    const MAC: Mac = Mac::new([2, 0, 0, 0, 0, 1]);

    fn neighbour_in(state: NeighbourState, lladdr: Mac, flags: NeighbourExtFlags) -> Option<Neighbour> {
        let ways = ["10.0.0.2", "fe80::2"].map(|address: &str| -> IpAddr { address.parse().unwrap() });
        let [ipv4, ipv6] = ways.map(|address| {
            let mut message = NeighbourMessage::default();
            message.header.ifindex = 7;
            message.header.state = state;
            message.attributes = vec![
                NeighbourAttribute::Destination(address.into()),
                NeighbourAttribute::LinkLayerAddress(lladdr.octets().to_vec()),
                NeighbourAttribute::ExtFlags(flags),
            ];
            let (key, neighbour) = neighbour(&message)?;
            assert_eq!(key, (7, address));
            Some(neighbour)
        });
        assert_eq!(ipv4, ipv6);
        ipv4
    }

    #[test]
    fn a_neighbour_has_an_ethernet_address_in_the_states_that_the_kernel_would_send_in() {
        use NeighbourState::{Delay, Failed, Incomplete, Noarp, None, Permanent, Probe, Reachable, Stale};
        for (state, usable) in [
            (Reachable, true),
            (Stale, true),
            (Delay, true),
            (Probe, true),
            (Permanent, true),
            (Noarp, true),
            (Incomplete, false),
            (Failed, false),
            (None, false),
        ] {
            let found = neighbour_in(state, MAC, NeighbourExtFlags::empty()).unwrap();
            assert_eq!((found.mac, found.silent), (usable.then_some(MAC), state == Failed), "{state}");
        }
    }

    #[test]
    fn a_group_address_is_no_neighbours_own() {
        let broadcast = neighbour_in(NeighbourState::Noarp, Mac::new([0xff; 6]), NeighbourExtFlags::empty());
        assert_eq!(broadcast, Some(Neighbour { mac: None, kind: NeighbourKind::Permanent, silent: false }));
    }

    #[test]
    fn who_keeps_a_neighbour_up_to_date_is_told_by_state_and_flags() {
        let (managed, dynamic) = (NeighbourExtFlags::Managed, NeighbourExtFlags::empty());
        for (state, flags, kind) in [
            (NeighbourState::Permanent, dynamic, NeighbourKind::Permanent),
            (NeighbourState::Noarp, managed, NeighbourKind::Permanent),
            (NeighbourState::Reachable, managed, NeighbourKind::Managed),
            (NeighbourState::Failed, managed, NeighbourKind::Managed),
            (NeighbourState::Stale, dynamic, NeighbourKind::Dynamic),
            (NeighbourState::Failed, dynamic, NeighbourKind::Dynamic),
        ] {
            assert_eq!(
                neighbour_in(state, MAC, flags).map(|neighbour| neighbour.kind),
                Some(kind),
                "{state} {flags:?}"
            );
        }
    }
}
