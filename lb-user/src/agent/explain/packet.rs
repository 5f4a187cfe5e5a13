use crate::config::Protocol;
use crate::control::Refused;
use crate::control::types::{ExplainRequest, Flags};
use etherparse::{
    IpHeaders, IpNumber, Ipv4Extensions, Ipv4Header, Ipv6Extensions, Ipv6FlowLabel, Ipv6Header, PacketBuilder,
    TcpHeader,
};
use lb_common::wire::Mac;
use std::net::IpAddr;

const HOP_LIMIT: u8 = 64;

/// The frame of the packet that is asked about, without a payload, addressed to the interface with the Ethernet address `mac`.
pub(in crate::agent) fn frame(question: &ExplainRequest, mac: Mac) -> Result<Vec<u8>, Refused> {
    let ExplainRequest { client, vip, protocol, flags } = *question;
    if protocol == Protocol::Udp && flags.is_some() {
        return Err(Refused::invalid("a UDP packet has no flags: leave them out".to_owned()));
    }
    let flags = flags.unwrap_or(Flags::SYN);
    let link = PacketBuilder::ethernet2([2, 0, 0, 0, 0, 0], mac.octets()).ip(network(client.ip(), vip.ip())?);
    let (mut frame, ports) = (Vec::new(), (client.port(), vip.port()));
    let written = match protocol {
        Protocol::Tcp => link.tcp_header(tcp(ports, flags)).write(&mut frame, &[]),
        Protocol::Udp => link.udp(ports.0, ports.1).write(&mut frame, &[]),
        Protocol::Sctp => link.write(&mut frame, IpNumber::SCTP, &sctp(ports, flags)),
    };
    written.map_err(|error| Refused::invalid(format!("there is no such packet: {error}")))?;
    Ok(frame)
}

fn network(source: IpAddr, destination: IpAddr) -> Result<IpHeaders, Refused> {
    match (source, destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            let header = Ipv4Header {
                time_to_live: HOP_LIMIT,
                source: source.octets(),
                destination: destination.octets(),
                ..Ipv4Header::default()
            };
            Ok(IpHeaders::Ipv4(header, Ipv4Extensions::default()))
        }
        (IpAddr::V6(source), IpAddr::V6(destination)) => {
            let header = Ipv6Header {
                flow_label: Ipv6FlowLabel::ZERO,
                hop_limit: HOP_LIMIT,
                source: source.octets(),
                destination: destination.octets(),
                ..Ipv6Header::default()
            };
            Ok(IpHeaders::Ipv6(header, Ipv6Extensions::default()))
        }
        _ => Err(Refused::invalid("the client and the VIP must have addresses of one family".to_owned())),
    }
}

fn tcp((source, destination): (u16, u16), flags: Flags) -> TcpHeader {
    let mut header = TcpHeader::new(source, destination, 0, 0);
    let has = |bit| flags.bits() & bit != 0;
    (header.fin, header.syn, header.rst) = (has(0x01), has(0x02), has(0x04));
    (header.psh, header.ack, header.urg) = (has(0x08), has(0x10), has(0x20));
    header
}

/// The common header of an SCTP packet and the head of its first chunk (RFC 9260, 3).
fn sctp((source, destination): (u16, u16), flags: Flags) -> Vec<u8> {
    const DATA: u8 = 0;
    const INIT: u8 = 1;
    const ABORT: u8 = 6;
    const SHUTDOWN: u8 = 7;
    let chunk = if flags.has(Flags::SYN) {
        INIT
    } else if flags.has(Flags::RST) {
        ABORT
    } else if flags.has(Flags::FIN) {
        SHUTDOWN
    } else {
        DATA
    };
    let [from, to] = [source, destination].map(u16::to_be_bytes);
    [&from[..], &to, &[0; 8], &[chunk, 0, 0, 4]].concat()
}
