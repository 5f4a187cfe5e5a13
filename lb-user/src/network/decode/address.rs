use crate::network::InterfaceAddress;
use netlink_packet_route::address::{AddressAttribute, AddressHeaderFlags, AddressMessage};

/// An address of the balancer. One that another host may have as well does not count yet, or no longer.
pub(in crate::network) fn address(message: &AddressMessage) -> Option<InterfaceAddress> {
    if message.header.flags.intersects(AddressHeaderFlags::Tentative | AddressHeaderFlags::Dadfailed) {
        return None;
    }
    let mut local = None;
    let mut subnet = None;
    for attribute in &message.attributes {
        match attribute {
            AddressAttribute::Local(address) => local = Some(*address),
            AddressAttribute::Address(address) => subnet = Some(*address),
            _ => {}
        }
    }
    Some(InterfaceAddress {
        ifindex: message.header.index,
        // For IPv6 the kernel gives both only where they differ.
        address: local.or(subnet)?,
        subnet: subnet?,
        prefix_len: message.header.prefix_len,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::IpAddr;

    fn message(prefix_len: u8, attributes: Vec<AddressAttribute>) -> AddressMessage {
        let mut message = AddressMessage::default();
        message.header.index = 7;
        message.header.prefix_len = prefix_len;
        message.attributes = attributes;
        message
    }

    fn ip(address: &str) -> IpAddr {
        address.parse().unwrap()
    }

    #[test]
    fn an_address_with_a_peer_connects_to_the_peer() {
        for (own, peer, prefix_len) in [("203.0.113.1", "198.51.100.7", 32), ("2001:db8::1", "2001:db8:7::7", 128)] {
            let attributes = vec![AddressAttribute::Address(ip(peer)), AddressAttribute::Local(ip(own))];
            let expected = InterfaceAddress { ifindex: 7, address: ip(own), subnet: ip(peer), prefix_len };
            assert_eq!(address(&message(prefix_len, attributes)), Some(expected));
        }
    }

    #[test]
    fn an_ipv6_address_connects_to_its_own_subnet() {
        let own = ip("2001:db8::1");
        let expected = InterfaceAddress { ifindex: 7, address: own, subnet: own, prefix_len: 64 };
        assert_eq!(address(&message(64, vec![AddressAttribute::Address(own)])), Some(expected));
    }

    #[test]
    fn an_address_that_may_be_another_hosts_does_not_count() {
        use AddressHeaderFlags as Flags;
        for (flags, counts) in [
            (Flags::Permanent, true),
            (Flags::Permanent | Flags::Deprecated, true),
            (Flags::Permanent | Flags::Tentative, false),
            (Flags::Permanent | Flags::Tentative | Flags::Dadfailed, false),
            (Flags::Permanent | Flags::Dadfailed, false),
        ] {
            let mut message = message(64, vec![AddressAttribute::Address(ip("2001:db8::1"))]);
            message.header.flags = flags;
            assert_eq!(address(&message).is_some(), counts, "{flags:?}");
        }
    }
}
