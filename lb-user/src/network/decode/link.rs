use super::mac;
use crate::network::{Link, Vlan, VlanProtocol, VlanTag, XdpAttachment};
use netlink_packet_route::link::{
    self, InfoData, InfoVlan, LinkAttribute, LinkFlags, LinkInfo, LinkLayerType, LinkMessage, LinkXdp,
};

/// An Ethernet interface.
pub(in crate::network) fn link(message: &LinkMessage) -> Option<Link> {
    if message.header.link_layer_type != LinkLayerType::Ether {
        return None;
    }
    let mut name = None;
    let mut lladdr = None;
    let mut mtu = None;
    let mut parent = None;
    let mut is_parent_elsewhere = false;
    let mut tag = None;
    let mut xdp = XdpAttachment::None;
    for attribute in &message.attributes {
        match attribute {
            LinkAttribute::IfName(text) => name = Some(text.clone()),
            LinkAttribute::Address(bytes) => lladdr = mac(bytes),
            LinkAttribute::Mtu(bytes) => mtu = Some(*bytes),
            LinkAttribute::Link(ifindex) => parent = Some(*ifindex),
            LinkAttribute::LinkNetNsId(_) => is_parent_elsewhere = true,
            LinkAttribute::LinkInfo(info) => tag = vlan_tag(info),
            LinkAttribute::Xdp(attributes) => xdp = attachment(attributes),
            _ => {}
        }
    }
    Some(Link {
        ifindex: message.header.index,
        name: name?,
        mac: lladdr?,
        up: message.header.flags.contains(LinkFlags::Up | LinkFlags::LowerUp),
        mtu: mtu?,
        // In another namespace the index means another interface.
        vlan: tag.map(|tag| Vlan { parent: parent.filter(|_| !is_parent_elsewhere), tag }),
        xdp,
    })
}

/// The tag of a VLAN interface's frames.
fn vlan_tag(info: &[LinkInfo]) -> Option<VlanTag> {
    let data = info.iter().find_map(|info| match info {
        LinkInfo::Data(InfoData::Vlan(data)) => Some(data),
        _ => None,
    })?;
    let mut id = None;
    let mut protocol = VlanProtocol::Dot1Q;
    for attribute in data {
        match attribute {
            InfoVlan::Id(number) => id = Some(*number),
            InfoVlan::Protocol(link::VlanProtocol::Ieee8021Ad) => protocol = VlanProtocol::Dot1Ad,
            _ => {}
        }
    }
    Some(VlanTag { id: id?, protocol })
}

/// The program that an interface has.
fn attachment(xdp: &[LinkXdp]) -> XdpAttachment {
    let attached = xdp.iter().find_map(|attribute| match *attribute {
        LinkXdp::DrvProgId(program) => Some(XdpAttachment::Native(program)),
        LinkXdp::SkbProgId(program) => Some(XdpAttachment::Generic(program)),
        LinkXdp::HwProgId(program) => Some(XdpAttachment::Offloaded(program)),
        _ => None,
    });
    attached.unwrap_or(XdpAttachment::None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use lb_common::wire::Mac;
    use netlink_packet_route::link::InfoKind;

    const MAC: Mac = Mac::new([2, 0, 0, 0, 0, 1]);

    fn ethernet(attributes: Vec<LinkAttribute>) -> LinkMessage {
        let mut message = LinkMessage::default();
        message.header.index = 7;
        message.header.link_layer_type = LinkLayerType::Ether;
        message.attributes = vec![
            LinkAttribute::IfName("eth1".to_owned()),
            LinkAttribute::Address(MAC.octets().to_vec()),
            LinkAttribute::Mtu(9000),
        ];
        message.attributes.extend(attributes);
        message
    }

    fn vlan_info(data: Vec<InfoVlan>) -> LinkAttribute {
        LinkAttribute::LinkInfo(vec![LinkInfo::Kind(InfoKind::Vlan), LinkInfo::Data(InfoData::Vlan(data))])
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
            let (name, xdp) = ("eth1".to_owned(), XdpAttachment::None);
            let expected = Link { ifindex: 7, name, mac: MAC, up, mtu: 9000, vlan: None, xdp };
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
    fn a_vlan_interface_has_a_tag_and_an_interface_below_it() {
        use link::VlanProtocol::{Ieee8021Ad, Ieee8021Q};
        for (data, id, protocol) in [
            (vec![InfoVlan::Protocol(Ieee8021Q), InfoVlan::Id(101)], 101, VlanProtocol::Dot1Q),
            (vec![InfoVlan::Id(4094), InfoVlan::Protocol(Ieee8021Ad)], 4094, VlanProtocol::Dot1Ad),
            // Kernels of before 3.10 know one kind of tag.
            (vec![InfoVlan::Id(1)], 1, VlanProtocol::Dot1Q),
        ] {
            let message = ethernet(vec![LinkAttribute::Link(3), vlan_info(data)]);
            let expected = Vlan { parent: Some(3), tag: VlanTag { id, protocol } };
            assert_eq!(link(&message).and_then(|link| link.vlan), Some(expected));
        }
    }

    #[test]
    fn an_interface_of_another_namespace_is_not_mistaken_for_one_of_this() {
        let message =
            ethernet(vec![LinkAttribute::Link(3), vlan_info(vec![InfoVlan::Id(101)]), LinkAttribute::LinkNetNsId(0)]);
        let vlan = link(&message).and_then(|link| link.vlan);
        assert_eq!(vlan.map(|vlan| (vlan.parent, vlan.tag.id)), Some((None, 101)));
    }

    #[test]
    fn an_interface_with_another_one_below_it_need_not_be_a_vlan_interface() {
        let veth =
            ethernet(vec![LinkAttribute::Link(3), LinkAttribute::LinkInfo(vec![LinkInfo::Kind(InfoKind::Veth)])]);
        assert_eq!(link(&veth).map(|link| link.vlan), Some(None));
    }
}
