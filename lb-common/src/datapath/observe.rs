//! What a capture or a sample records of a packet, whatever becomes of it. It decides nothing, and runs only while somebody looks.

use super::parse::{Datagram, Fragment, Link};
use super::{Calls, Outcome};
use crate::flow::{FlowKey, Ports};
use crate::frame::Frame;
use crate::verdict::{Subject, Verdict};
use crate::wire::{Be16, Tcp, protocol};

/// Notes what the packet in `frame` shows of its flow, and the flags of a TCP segment. Returns where the data of such a segment begin; 0 for
/// other packets.
#[inline(always)]
pub fn observe<C: Calls>(calls: &C, frame: &Frame<'_>, key: &mut FlowKey, flags: &mut u16) -> usize {
    let Ok(link) = Link::parse(frame) else { return 0 };
    let Ok(datagram) = Datagram::parse(calls, frame, link.network, link.family) else { return 0 };
    key.source = datagram.source;
    key.destination = datagram.destination;
    key.protocol = datagram.protocol.into();
    let has_header = matches!(datagram.fragment, Fragment::Whole | Fragment::First);
    if !has_header || !matches!(datagram.protocol, protocol::TCP | protocol::UDP | protocol::SCTP) {
        return 0;
    }
    if let Some(ports) = frame.header::<[u16; 2]>(datagram.transport) {
        let [source, destination] = ports.map(Be16::from_raw);
        key.ports = Ports { source, destination };
    }
    match frame.header::<Tcp>(datagram.transport) {
        Some(tcp) if datagram.protocol == protocol::TCP => {
            *flags = tcp.flags.into();
            datagram.transport + tcp.header_len()
        }
        _ => 0,
    }
}

/// Whether the data of a TCP segment, which begin there, begin a TLS handshake with the client's hello (RFC 8446, 4 and 5.1).
#[inline(always)]
pub fn begins_handshake(frame: &Frame<'_>, payload: usize) -> bool {
    const HANDSHAKE: u8 = 22;
    const CLIENT_HELLO: u8 = 1;
    // Type, version and length of the record, then the type of the message.
    let Some(words) = frame.header::<[u16; 3]>(payload).filter(|_| payload != 0) else { return false };
    let ([kind, _], [_, message]) = (words[0].to_ne_bytes(), words[2].to_ne_bytes());
    kind == HANDSHAKE && message == CLIENT_HELLO
}

impl Outcome {
    /// The service that it was for, if the packet was not forwarded and got so far. That of a forwarded one is its back-end's.
    #[inline(always)]
    pub fn subject(&self) -> Subject {
        match self.verdict {
            Verdict::Answered(_, subject) | Verdict::Dropped(_, subject) => subject,
            Verdict::Forwarded(_) | Verdict::Passed(_) => Subject::VIP,
        }
    }
}
