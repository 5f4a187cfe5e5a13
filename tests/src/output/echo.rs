//! Answers to echo requests (RFC 792, RFC 4443).

use super::way_back;
use crate::packet::{Carried, Link};
use anyhow::{Result, bail};
use etherparse::{Icmpv4Header, Icmpv4Type, Icmpv6Header, Icmpv6Type, IpHeaders};
use std::mem;

/// The answer to the echo request in `frame`.
///
/// # Errors
/// When there is none.
pub fn echo_reply(frame: &[u8]) -> Result<Vec<u8>> {
    let (_, ether_type, _) = Link::split(frame)?;
    let carried = Carried::of(frame)?;
    let (mut ip, payload) = IpHeaders::from_slice(carried.packet)?;
    let message = match &mut ip {
        IpHeaders::Ipv4(header, _) => {
            mem::swap(&mut header.source, &mut header.destination);
            header.time_to_live = 64;
            let (request, data) = Icmpv4Header::from_slice(payload.payload)?;
            let Icmpv4Type::EchoRequest(echo) = request.icmp_type else { bail!("{request:?} is no echo request") };
            let reply = Icmpv4Header::with_checksum(Icmpv4Type::EchoReply(echo), data);
            [&reply.to_bytes()[..], data].concat()
        }
        IpHeaders::Ipv6(header, _) => {
            mem::swap(&mut header.source, &mut header.destination);
            header.hop_limit = 64;
            let (request, data) = Icmpv6Header::from_slice(payload.payload)?;
            let Icmpv6Type::EchoRequest(echo) = request.icmp_type else { bail!("{request:?} is no echo request") };
            let reply = Icmpv6Type::EchoReply(echo);
            let reply = Icmpv6Header::with_checksum(reply, header.source, header.destination, data)?;
            [&reply.to_bytes()[..], data].concat()
        }
    };
    let mut reply = way_back(frame)?.bytes(ether_type);
    // This also makes IPv4's checksum right.
    ip.write(&mut reply)?;
    Ok([&reply[..], &message, carried.padding].concat())
}
