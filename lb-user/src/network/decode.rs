//! What the kernel's answers mean. Each function gives `None` for what the agent has no use for.

use super::{InterfaceAddress, Link, Neighbour, NeighbourKind, XdpAttachment};
use lb_common::wire::Mac;
use netlink_packet_route::address::{AddressAttribute, AddressMessage};
use netlink_packet_route::link::{LinkAttribute, LinkFlags, LinkLayerType, LinkMessage, LinkXdp};
use netlink_packet_route::neighbour::{
    NeighbourAddress, NeighbourAttribute, NeighbourExtFlags, NeighbourMessage, NeighbourState,
};
use std::net::{IpAddr, Ipv4Addr};

/// An Ethernet interface.
pub(super) fn link(message: &LinkMessage) -> Option<Link> {
    if message.header.link_layer_type != LinkLayerType::Ether {
        return None;
    }
    let attributes = &message.attributes;
    Some(Link {
        ifindex: message.header.index,
        name: attributes.iter().find_map(|attribute| match attribute {
            LinkAttribute::IfName(name) => Some(name.clone()),
            _ => None,
        })?,
        mac: attributes.iter().find_map(|attribute| match attribute {
            LinkAttribute::Address(address) => mac(address),
            _ => None,
        })?,
        up: message.header.flags.contains(LinkFlags::Up | LinkFlags::LowerUp),
        xdp: attributes
            .iter()
            .find_map(|attribute| match attribute {
                LinkAttribute::Xdp(xdp) => attachment(xdp),
                _ => None,
            })
            .unwrap_or(XdpAttachment::None),
    })
}

/// The program that an interface has.
fn attachment(xdp: &[LinkXdp]) -> Option<XdpAttachment> {
    xdp.iter().find_map(|attribute| match *attribute {
        LinkXdp::DrvProgId(program) => Some(XdpAttachment::Native(program)),
        LinkXdp::SkbProgId(program) => Some(XdpAttachment::Generic(program)),
        LinkXdp::HwProgId(program) => Some(XdpAttachment::Offloaded(program)),
        _ => None,
    })
}

/// An IPv4 address of the balancer.
pub(super) fn address(message: &AddressMessage) -> Option<InterfaceAddress> {
    let mut local = None;
    let mut subnet = None;
    for attribute in &message.attributes {
        match attribute {
            AddressAttribute::Local(IpAddr::V4(address)) => local = Some(*address),
            AddressAttribute::Address(IpAddr::V4(address)) => subnet = Some(*address),
            _ => {}
        }
    }
    Some(InterfaceAddress {
        ifindex: message.header.index,
        address: local?,
        subnet: subnet?,
        prefix_len: message.header.prefix_len,
    })
}

/// An IPv4 neighbour, after the index of its interface and its address.
pub(super) fn neighbour(message: &NeighbourMessage) -> Option<((u32, Ipv4Addr), Neighbour)> {
    let mut address = None;
    let mut lladdr = None;
    let mut managed = false;
    for attribute in &message.attributes {
        match attribute {
            NeighbourAttribute::Destination(NeighbourAddress::Inet(destination)) => {
                address = Some(*destination);
            }
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
    };
    Some(((message.header.ifindex, address?), neighbour))
}

fn mac(bytes: &[u8]) -> Option<Mac> {
    bytes.try_into().ok().map(Mac::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAC: Mac = Mac::new([2, 0, 0, 0, 0, 1]);

    fn ethernet(attributes: Vec<LinkAttribute>) -> LinkMessage {
        let mut message = LinkMessage::default();
        message.header.index = 7;
        message.header.link_layer_type = LinkLayerType::Ether;
        message.attributes =
            vec![LinkAttribute::IfName("eth1".to_owned()), LinkAttribute::Address(MAC.octets().to_vec())];
        message.attributes.extend(attributes);
        message
    }

    fn neighbour_in(state: NeighbourState, lladdr: Mac, flags: NeighbourExtFlags) -> Option<Neighbour> {
        let mut message = NeighbourMessage::default();
        message.header.ifindex = 7;
        message.header.state = state;
        message.attributes = vec![
            NeighbourAttribute::Destination(Ipv4Addr::new(10, 0, 0, 2).into()),
            NeighbourAttribute::LinkLayerAddress(lladdr.octets().to_vec()),
            NeighbourAttribute::ExtFlags(flags),
        ];
        let (key, neighbour) = neighbour(&message)?;
        assert_eq!(key, (7, [10, 0, 0, 2].into()));
        Some(neighbour)
    }

    #[test]
    fn an_interface_is_up_when_it_is_switched_on_and_has_a_carrier() {
        for (flags, up) in [
            (LinkFlags::Up | LinkFlags::LowerUp | LinkFlags::Broadcast, true),
            (LinkFlags::Up, false),
            (LinkFlags::LowerUp, false),
        ] {
            let mut message = ethernet(Vec::new());
            message.header.flags = flags;
            let expected = Link { ifindex: 7, name: "eth1".to_owned(), mac: MAC, up, xdp: XdpAttachment::None };
            assert_eq!(link(&message), Some(expected));
        }
    }

    #[test]
    fn interfaces_other_than_ethernet_are_left_out() {
        let mut message = ethernet(Vec::new());
        message.header.link_layer_type = LinkLayerType::Loopback;
        assert_eq!(link(&message), None);
    }

    #[test]
    fn the_attached_program_has_its_mode_and_id() {
        for (attribute, expected, name) in [
            (LinkXdp::DrvProgId(41), XdpAttachment::Native(41), "native"),
            (LinkXdp::SkbProgId(42), XdpAttachment::Generic(42), "generic"),
            (LinkXdp::HwProgId(43), XdpAttachment::Offloaded(43), "offloaded"),
            (LinkXdp::Flags(0), XdpAttachment::None, "none"),
        ] {
            let message = ethernet(vec![LinkAttribute::Xdp(vec![LinkXdp::ProgId(40), attribute])]);
            let xdp = link(&message).map(|link| link.xdp);
            assert_eq!(xdp, Some(expected));
            assert_eq!(expected.to_string(), name);
        }
    }

    #[test]
    fn an_address_with_a_peer_connects_to_the_peer() {
        let mut message = AddressMessage::default();
        message.header.index = 7;
        message.header.prefix_len = 32;
        message.attributes = vec![
            AddressAttribute::Address(Ipv4Addr::new(198, 51, 100, 7).into()),
            AddressAttribute::Local(Ipv4Addr::new(203, 0, 113, 1).into()),
        ];
        let expected = InterfaceAddress {
            ifindex: 7,
            address: [203, 0, 113, 1].into(),
            subnet: [198, 51, 100, 7].into(),
            prefix_len: 32,
        };
        assert_eq!(address(&message), Some(expected));
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
            let found = neighbour_in(state, MAC, NeighbourExtFlags::empty()).and_then(|neighbour| neighbour.mac);
            assert_eq!(found, usable.then_some(MAC), "{state}");
        }
    }

    #[test]
    fn a_group_address_is_no_neighbours_own() {
        let broadcast = neighbour_in(NeighbourState::Noarp, Mac::new([0xff; 6]), NeighbourExtFlags::empty());
        assert_eq!(broadcast, Some(Neighbour { mac: None, kind: NeighbourKind::Permanent }));
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
