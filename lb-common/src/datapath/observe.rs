//! What a trace records of a packet, whatever becomes of it. It decides nothing, and runs only while somebody traces.

use super::parse::{Datagram, Fragment, Link};
use super::{Calls, Outcome};
use crate::abi::TraceRecord;
use crate::flow::Ports;
use crate::frame::Frame;
use crate::verdict::{Subject, Verdict};
use crate::wire::{Be16, Tcp, protocol};

/// Notes what the packet in `frame` shows of its flow.
#[inline(always)]
pub fn observe<C: Calls>(calls: &C, frame: &Frame<'_>, record: &mut TraceRecord) {
    let Ok(link) = Link::parse(frame) else { return };
    let Ok(datagram) = Datagram::parse(calls, frame, link.network, link.family) else { return };
    record.key.source = datagram.source;
    record.key.destination = datagram.destination;
    record.key.protocol = datagram.protocol.into();
    let has_header = matches!(datagram.fragment, Fragment::Whole | Fragment::First);
    if !has_header || !matches!(datagram.protocol, protocol::TCP | protocol::UDP | protocol::SCTP) {
        return;
    }
    if let Some(ports) = frame.header::<[u16; 2]>(datagram.transport) {
        let [source, destination] = ports.map(Be16::from_raw);
        record.key.ports = Ports { source, destination };
    }
    if datagram.protocol == protocol::TCP
        && let Some(tcp) = frame.header::<Tcp>(datagram.transport)
    {
        record.flags = tcp.flags.into();
    }
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
