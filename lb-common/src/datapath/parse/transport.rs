use super::{Datagram, Fragment, Packet, Signal};
use crate::flow::{FlowKey, Ports};
use crate::frame::Frame;
use crate::verdict::{Dropped, Passed, Subject, Verdict};
use crate::wire::{Sctp, Tcp, Udp, protocol};

impl Packet {
    /// Reads the transport header of a packet for a VIP.
    ///
    /// # Errors
    /// The verdict on a packet that cannot belong to a flow.
    #[inline(always)]
    pub fn parse(frame: &Frame<'_>, datagram: &Datagram) -> Result<Self, Verdict> {
        let (ports, signal) = match datagram.protocol {
            protocol::TCP => tcp(frame, datagram).map_err(dropped)?,
            protocol::UDP => udp(frame, datagram).map_err(dropped)?,
            protocol::SCTP => sctp(frame, datagram).map_err(dropped)?,
            _ => return Err(Verdict::Passed(Passed::OtherProtocol)),
        };
        let key = FlowKey {
            source: datagram.source,
            destination: datagram.destination,
            ports,
            protocol: u32::from(datagram.protocol),
        };
        Ok(Self { key, signal })
    }
}

#[inline(always)]
fn dropped(why: Dropped) -> Verdict {
    Verdict::Dropped(why, Subject::VIP)
}

/// The transport header must lie inside the IP packet, not in the padding behind it.
#[inline(always)]
fn check_fits<T>(datagram: &Datagram) -> Result<(), Dropped> {
    match datagram.fragment {
        _ if datagram.payload_len() >= size_of::<T>() => Ok(()),
        Fragment::Whole => Err(Dropped::BadLength),
        _ => Err(Dropped::TinyFragment),
    }
}

#[inline(always)]
fn tcp(frame: &Frame<'_>, datagram: &Datagram) -> Result<(Ports, Signal), Dropped> {
    check_fits::<Tcp>(datagram)?;
    let tcp = frame.header::<Tcp>(datagram.transport).ok_or(Dropped::BadLength)?;
    if tcp.header_len() < size_of::<Tcp>() || tcp.header_len() > datagram.payload_len() {
        return Err(Dropped::BadTcpHeader);
    }
    let signal = tcp_signal(tcp).ok_or(Dropped::BadFlags)?;
    Ok((Ports { source: tcp.source, destination: tcp.destination }, signal))
}

/// What the flags of a TCP segment say of its connection; `None` when they contradict each other.
#[inline(always)]
pub(in crate::datapath) fn tcp_signal(tcp: &Tcp) -> Option<Signal> {
    const SYN_ACK: u8 = Tcp::SYN | Tcp::ACK;
    match tcp.flags & (Tcp::SYN | Tcp::ACK | Tcp::FIN | Tcp::RST) {
        Tcp::ACK => Some(Signal::Continue),
        Tcp::SYN => Some(Signal::Open),
        // A client that is opened to at the same moment (RFC 9293, 3.5).
        SYN_ACK => Some(Signal::Continue),
        flags if flags & Tcp::SYN == 0 && (flags & Tcp::FIN != 0) != (flags & Tcp::RST != 0) => Some(Signal::Close),
        _ => None,
    }
}

#[inline(always)]
fn udp(frame: &Frame<'_>, datagram: &Datagram) -> Result<(Ports, Signal), Dropped> {
    check_fits::<Udp>(datagram)?;
    let udp = frame.header::<Udp>(datagram.transport).ok_or(Dropped::BadLength)?;
    let len = usize::from(udp.length.get());
    // The first fragment has the length of the whole.
    let is_whole = datagram.fragment == Fragment::Whole;
    if len < size_of::<Udp>() || is_whole && len > datagram.payload_len() {
        return Err(Dropped::BadUdpLength);
    }
    Ok((Ports { source: udp.source, destination: udp.destination }, Signal::Datagram))
}

#[inline(always)]
fn sctp(frame: &Frame<'_>, datagram: &Datagram) -> Result<(Ports, Signal), Dropped> {
    check_fits::<Sctp>(datagram)?;
    let sctp = frame.header::<Sctp>(datagram.transport).ok_or(Dropped::BadLength)?;
    let signal = if sctp.opens() {
        Signal::Open
    } else if sctp.closes() {
        Signal::Close
    } else {
        Signal::Continue
    };
    Ok((Ports { source: sctp.source, destination: sctp.destination }, signal))
}
