//! Step 1: what the packet is. Believes no length it has not checked.
//!
//! | file | what it reads |
//! |---|---|
//! | `link` | Ethernet and up to two VLAN tags |
//! | `network` | IPv4 with options, IPv6 with extension headers, fragments |
//! | `transport` | TCP, UDP and SCTP |
//! | `reading` | all of it together |

mod link;
mod network;
mod reading;
mod transport;

pub(super) use link::{Link, is_tag};
pub use network::{Chain, Datagram, Family, Fragment, HOP_LIMIT, skip_extensions};
pub use reading::{Matter, Reading};
pub(super) use transport::tcp_signal;

use crate::flow::FlowKey;

/// A packet of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet {
    /// The 5-tuple.
    pub key: FlowKey,
    /// What the packet says of its flow.
    pub signal: Signal,
}

/// What a packet says of its flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Signal {
    /// A connection is to begin: SYN without ACK, or INIT.
    Open,
    /// A connection goes on.
    Continue,
    /// The client is done with a connection: FIN or RST, ABORT or SHUTDOWN.
    Close,
    /// UDP has no signals.
    Datagram,
}
