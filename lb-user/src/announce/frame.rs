//! Frames that tell the hosts on a segment whose Ethernet address a VIP has. All numbers are in network byte order.

use lb_common::checksum;
use lb_common::wire::Mac;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The frame that tells everybody on the segment that `vip` has the Ethernet address `mac`.
pub(super) fn frame(vip: IpAddr, mac: Mac) -> Vec<u8> {
    match vip {
        IpAddr::V4(vip) => arp(vip, mac),
        IpAddr::V6(vip) => neighbour_advertisement(vip, mac),
    }
}

/// An ARP announcement (RFC 5227, 2.3): a request for an address by who has it.
fn arp(vip: Ipv4Addr, mac: Mac) -> Vec<u8> {
    // Ethernet, IPv4, lengths of both addresses, request.
    const KIND: [u8; 8] = [0, 1, 0x08, 0, 6, 4, 0, 1];
    let (vip, mac) = (vip.octets(), mac.octets());
    [&[0xff; 6][..], &mac, &[0x08, 0x06], &KIND, &mac, &vip, &[0; 6], &vip].concat()
}

/// An unsolicited neighbour advertisement to all nodes (RFC 4861, 7.2.6) that takes the place of what they know.
fn neighbour_advertisement(vip: Ipv6Addr, mac: Mac) -> Vec<u8> {
    const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
    const ALL_NODES_MAC: [u8; 6] = [0x33, 0x33, 0, 0, 0, 1];
    const OVERRIDE: u8 = 0x20;
    const ICMPV6: u8 = 58;
    const LENGTH: u8 = 32;
    // Type, code, checksum, flags; target; the option "target's link-layer address".
    let mut message = [&[136, 0, 0, 0, OVERRIDE, 0, 0, 0][..], &vip.octets(), &[2, 1], &mac.octets()].concat();
    let addresses = [vip.octets(), ALL_NODES.octets()].concat();
    let pseudo_header = [&addresses[..], &[0, 0, 0, LENGTH, 0, 0, 0, ICMPV6]].concat();
    let sum = checksum::sum(&[&pseudo_header[..], &message].concat()).checksum();
    message[2..4].copy_from_slice(&sum.to_ne_bytes());
    // The hop limit shows that no router has forwarded it.
    let header = [0x60, 0, 0, 0, 0, LENGTH, ICMPV6, 255];
    [&ALL_NODES_MAC[..], &mac.octets(), &[0x86, 0xdd], &header, &addresses, &message].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAC: Mac = Mac::new([2, 0, 0, 0, 0, 7]);

    #[test]
    fn an_arp_announcement_asks_for_itself() {
        let frame = frame([192, 0, 2, 10].into(), MAC);
        assert_eq!(
            hex::encode(frame),
            "ffffffffffff020000000007080600010800060400010200000000 07c000020a000000000000c000020a".replace(' ', "")
        );
    }

    #[test]
    fn a_neighbour_advertisement_has_a_good_checksum() {
        let frame = frame("2001:db8::10".parse().expect("an address"), MAC);
        assert_eq!(frame.len(), 14 + 40 + 32);
        assert_eq!(hex::encode(&frame[..22]), "33330000000102000000000786dd6000000000203aff");
        assert_eq!(hex::encode(&frame[78..]), "0201020000000007");
        // Over pseudo header and message, the checksum included, the sum is nought.
        let pseudo_header = [&frame[22..54], &[0, 0, 0, 32, 0, 0, 0, 58]].concat();
        assert_eq!(checksum::sum(&[&pseudo_header[..], &frame[54..]].concat()).checksum(), 0);
    }
}
