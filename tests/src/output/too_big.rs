//! What the client of a packet is told that does not fit into its tunnel (RFC 1191, RFC 8201).

use super::way_back;
use crate::packet::{Carried, Link};
use anyhow::{Context, Result, ensure};
use etherparse::{
    Icmpv4Header, Icmpv4Type, Icmpv6Header, Icmpv6Type, IpNumber, Ipv4Header, Ipv4HeaderSlice, Ipv6Header,
    icmpv4::DestUnreachableHeader,
};

/// The message that the packet in `frame` is longer than `mtu` bytes. It is up to the data plane how much of the packet it quotes and
/// whether the message may be fragmented: in that, this one is like the one in `came_out`.
///
/// # Errors
/// When that is more or less than allowed.
pub fn too_big(frame: &[u8], mtu: u16, came_out: &[u8]) -> Result<Vec<u8>> {
    let (_, ether_type, _) = Link::split(frame)?;
    let packet = Carried::of(frame)?;
    let answer = Carried::of(came_out)?.packet;
    let (header, message) = match packet.protocol {
        IpNumber::IPV4 => v4(packet.packet, mtu, answer)?,
        _ => v6(packet.packet, mtu, answer)?,
    };
    Ok([way_back(frame)?.bytes(ether_type), header, message].concat())
}

/// The IP header, and the message behind it.
fn v4(packet: &[u8], mtu: u16, answer: &[u8]) -> Result<(Vec<u8>, Vec<u8>)> {
    let (about, _) = Ipv4Header::from_slice(packet)?;
    // RFC 792: 64 bits behind the header; RFC 1812, 4.3.2.3: no more than 576 bytes in all.
    let quotation = quotation(packet, answer.len(), Ipv4Header::MIN_LEN, about.header_len() + 8, 576)?;
    let next_hop_mtu = DestUnreachableHeader::FragmentationNeeded { next_hop_mtu: mtu };
    let message = Icmpv4Header::with_checksum(Icmpv4Type::DestinationUnreachable(next_hop_mtu), quotation);
    let length = u16::try_from(message.header_len() + quotation.len())?;
    let mut header = Ipv4Header::new(length, 64, IpNumber::ICMP, about.destination, about.source)?;
    header.dont_fragment = Ipv4HeaderSlice::from_slice(answer)?.dont_fragment();
    header.header_checksum = header.calc_header_checksum();
    Ok((header.to_bytes().to_vec(), [&message.to_bytes()[..], quotation].concat()))
}

fn v6(packet: &[u8], mtu: u16, answer: &[u8]) -> Result<(Vec<u8>, Vec<u8>)> {
    let (about, _) = Ipv6Header::from_slice(packet)?;
    // RFC 4443, 2.4: as much as fits into the smallest MTU. Hosts need the ports at least.
    let quotation = quotation(packet, answer.len(), Ipv6Header::LEN, Ipv6Header::LEN + 8, 1280)?;
    let (from, to) = (about.destination, about.source);
    let message = Icmpv6Header::with_checksum(Icmpv6Type::PacketTooBig { mtu: mtu.into() }, from, to, quotation)?;
    let header = Ipv6Header {
        payload_length: u16::try_from(message.header_len() + quotation.len())?,
        next_header: IpNumber::IPV6_ICMP,
        hop_limit: 64,
        source: from,
        destination: to,
        ..Ipv6Header::default()
    };
    Ok((header.to_bytes().to_vec(), [&message.to_bytes()[..], quotation].concat()))
}

/// As much of `packet` as an answer of `answer_len` bytes quotes behind its IP header and the 8 bytes of ICMP.
fn quotation(packet: &[u8], answer_len: usize, ip_len: usize, least: usize, most: usize) -> Result<&[u8]> {
    let quoted = answer_len.checked_sub(ip_len + 8).context("the answer is too short")?;
    ensure!(quoted >= least, "the answer quotes {quoted} bytes, not {least}");
    ensure!(answer_len <= most, "the answer has {answer_len} bytes, more than {most}");
    packet.get(..quoted).context("the answer quotes more than the packet")
}
