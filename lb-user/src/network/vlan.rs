use super::{Link, Network, Unreachable};
use std::fmt;

/// What makes an interface a VLAN interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vlan {
    /// Index of the interface below it; `None` when that one is in another network namespace.
    pub parent: Option<u32>,
    /// What its frames are marked with.
    pub tag: VlanTag,
}

/// A VLAN tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VlanTag {
    /// Which VLAN: 0 to 4094.
    pub id: u16,
    /// Which kind of tag says so.
    pub protocol: VlanProtocol,
}

/// The kinds of VLAN tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VlanProtocol {
    /// IEEE 802.1Q: a customer's tag, and the only one of most frames that have one. Ether type 0x8100.
    Dot1Q,
    /// IEEE 802.1ad: a provider's tag, in front of a customer's. Ether type 0x88a8.
    Dot1Ad,
}

/// The VLAN tags that frames to a back-end leave with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vlans {
    /// Those that they came with: the balancer has no VLAN interface on the interface that they leave by, so nothing says which
    /// VLANs there are.
    Keep,
    /// None: they leave by an interface whose VLANs are interfaces of their own.
    Untagged,
    /// One.
    Single(VlanTag),
    /// Two, the outer one first.
    Double(VlanTag, VlanTag),
}

impl fmt::Display for Vlans {
    /// For listings: `100`, or `200.100` with the outer one first, as VLAN interfaces are named.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Keep => f.pad("kept"),
            Self::Untagged => f.pad("none"),
            Self::Single(tag) => f.pad(&tag.id.to_string()),
            Self::Double(outer, inner) => f.pad(&format!("{}.{}", outer.id, inner.id)),
        }
    }
}

impl Network {
    /// The interface that frames out of `link` leave by in the end, which for a VLAN interface is the one below it, and the tags
    /// that they have there. XDP sends by that one: the program on it sees frames before the kernel takes their tags off.
    ///
    /// # Errors
    /// When there is no such interface, or there are more than two tags.
    pub fn physical<'a>(&'a self, link: &'a Link) -> Result<(&'a Link, Vlans), Unreachable> {
        let Some(inner) = link.vlan else {
            let has_vlans = self.links.values().any(|other| other.vlan.is_some_and(|vlan| vlan.is_on(link)));
            return Ok((link, if has_vlans { Vlans::Untagged } else { Vlans::Keep }));
        };
        let below = |vlan: Vlan| {
            let parent = vlan.parent.and_then(|parent| self.links.get(&parent));
            parent.ok_or_else(|| Unreachable::Vlan { interface: link.name.clone() })
        };
        let parent = below(inner)?;
        let Some(outer) = parent.vlan else { return Ok((parent, Vlans::Single(inner.tag))) };
        let grandparent = below(outer)?;
        match grandparent.vlan {
            None => Ok((grandparent, Vlans::Double(outer.tag, inner.tag))),
            Some(_) => Err(Unreachable::Vlan { interface: link.name.clone() }),
        }
    }
}

impl Vlan {
    fn is_on(&self, link: &Link) -> bool {
        self.parent == Some(link.ifindex)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::XdpAttachment;
    use lb_common::wire::Mac;

    const C100: VlanTag = VlanTag { id: 100, protocol: VlanProtocol::Dot1Q };
    const C200: VlanTag = VlanTag { id: 200, protocol: VlanProtocol::Dot1Q };
    const S200: VlanTag = VlanTag { id: 200, protocol: VlanProtocol::Dot1Ad };

    /// eth0 is plain; eth1 has VLAN 100 and provider's VLAN 200, in which there is VLAN 100, in which there is VLAN 200.
    fn network() -> Network {
        let links = [
            (1, "eth0", None),
            (2, "eth1", None),
            (3, "eth1.100", Some((Some(2), C100))),
            (4, "eth1.200", Some((Some(2), S200))),
            (5, "eth1.200.100", Some((Some(4), C100))),
            (6, "eth1.200.100.200", Some((Some(5), C200))),
            (7, "elsewhere", Some((None, C100))),
            (8, "lost", Some((Some(99), C100))),
            (9, "lost.200", Some((Some(8), C200))),
        ];
        let mut network = Network::default();
        for (ifindex, name, vlan) in links {
            let vlan = vlan.map(|(parent, tag)| Vlan { parent, tag });
            let (name, mac) = (name.to_owned(), Mac::new([2, 0, 0, 0, 0, ifindex as u8]));
            let link = Link { ifindex, name, mac, up: true, mtu: 1500, vlan, xdp: XdpAttachment::None };
            network.links.insert(ifindex, link);
        }
        network
    }

    #[test]
    fn frames_leave_by_the_interface_below_with_the_tags_of_all_that_are_above() {
        let network = network();
        for (name, below, vlans, shown) in [
            ("eth0", "eth0", Vlans::Keep, "kept"),
            ("eth1", "eth1", Vlans::Untagged, "none"),
            ("eth1.100", "eth1", Vlans::Single(C100), "100"),
            ("eth1.200", "eth1", Vlans::Single(S200), "200"),
            ("eth1.200.100", "eth1", Vlans::Double(S200, C100), "200.100"),
        ] {
            let (physical, found) = network.physical(network.link_by_name(name).unwrap()).unwrap();
            assert_eq!((physical.name.as_str(), found), (below, vlans), "{name}");
            assert_eq!(found.to_string(), shown);
        }
    }

    #[test]
    fn there_is_no_way_out_of_a_vlan_that_is_on_nothing_or_too_deep() {
        let network = network();
        for name in ["elsewhere", "lost", "lost.200", "eth1.200.100.200"] {
            let refused = Err(Unreachable::Vlan { interface: name.to_owned() });
            assert_eq!(network.physical(network.link_by_name(name).unwrap()), refused);
        }
    }
}
