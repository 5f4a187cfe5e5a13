use super::Prefix;
use std::fmt;

/// How packets get to the back-ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forwarding {
    /// New Ethernet addresses, nothing else: the back-end is on the same segment, has the VIP on its loopback interface and
    /// answers the client directly.
    L2Dsr,
    /// The packet in another IP packet, to the back-end's own address: protocols 4 and 41 (RFC 2003, RFC 2473, RFC 4213).
    Ipip(Tunnel),
    /// The packet in a UDP datagram to this port, in host order, of the back-end's own address: Generic UDP Encapsulation,
    /// variant 0 (draft-ietf-intarea-gue).
    Gue(Tunnel, u16),
}

impl Forwarding {
    /// UDP port of GUE, unless the configuration says otherwise.
    pub const DEFAULT_GUE_PORT: u16 = 6_080;
}

impl fmt::Display for Forwarding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::L2Dsr => "l2-dsr",
            Self::Ipip(_) => "ipip",
            Self::Gue(..) => "gue",
        })
    }
}

/// Where the source addresses of outer packets come from: spread over the prefix by flow, so that the back-end's network card
/// spreads the packets over its queues. `None`: the balancer's own address towards the back-end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tunnel {
    /// Of outer IPv4 packets; an IPv4 prefix.
    pub source_v4: Option<Prefix>,
    /// Of outer IPv6 packets; an IPv6 prefix.
    pub source_v6: Option<Prefix>,
}
