//! What kind of frame one is, as far as its headers show at a glance. Index of the per-CPU map `FRAMES`, whose values are
//! [`super::Tally`].

/// A class of frames: a protocol at each layer, and for TCP what the segment is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TrafficClass(u32);

/// Layer 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum LinkKind {
    /// Ethernet without tags.
    Ethernet = 0,
    /// Ethernet with one VLAN tag or more.
    Vlan = 1,
}

/// Layer 3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum NetworkKind {
    /// Anything else, or too short to say.
    Other = 0,
    /// IPv4.
    V4 = 1,
    /// IPv6.
    V6 = 2,
    /// ARP.
    Arp = 3,
}

/// Layer 4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum TransportKind {
    /// Anything else, IPv6 with extension headers among it.
    Other = 0,
    /// ICMP, for IPv4 or IPv6.
    Icmp = 1,
    /// UDP.
    Udp = 2,
    /// SCTP.
    Sctp = 3,
    /// IP in IP.
    Tunnel = 4,
    /// TCP without the flags of the next three, or without flags that can be seen.
    Tcp = 5,
    /// TCP that begins a connection.
    TcpSyn = 6,
    /// TCP that ends a connection: FIN.
    TcpFin = 7,
    /// TCP that breaks a connection off: RST.
    TcpRst = 8,
}

impl TrafficClass {
    /// Classes are below this.
    pub const COUNT: u32 = 128;

    /// A class of its parts.
    #[inline(always)]
    pub const fn new(link: LinkKind, network: NetworkKind, transport: TransportKind) -> Self {
        Self((link as u32) << 6 | (network as u32) << 4 | transport as u32)
    }

    /// Index of its counters.
    #[inline(always)]
    pub const fn index(self) -> u32 {
        self.0
    }
}

impl LinkKind {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Ethernet, Self::Vlan];

    /// Its name, as in every listing.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ethernet => "ethernet",
            Self::Vlan => "vlan",
        }
    }
}

impl NetworkKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Other, Self::V4, Self::V6, Self::Arp];

    /// Its name, as in every listing.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Other => "other",
            Self::V4 => "ipv4",
            Self::V6 => "ipv6",
            Self::Arp => "arp",
        }
    }
}

impl TransportKind {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Other,
        Self::Icmp,
        Self::Udp,
        Self::Sctp,
        Self::Tunnel,
        Self::Tcp,
        Self::TcpSyn,
        Self::TcpFin,
        Self::TcpRst,
    ];

    /// Name of the protocol, as in every listing.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Other => "other",
            Self::Icmp => "icmp",
            Self::Udp => "udp",
            Self::Sctp => "sctp",
            Self::Tunnel => "tunnel",
            Self::Tcp | Self::TcpSyn | Self::TcpFin | Self::TcpRst => "tcp",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn classes_differ_and_are_in_range() {
        let mut seen = BTreeSet::new();
        for link in LinkKind::ALL {
            for network in NetworkKind::ALL {
                for transport in TransportKind::ALL {
                    let class = TrafficClass::new(link, network, transport);
                    assert!(class.index() < TrafficClass::COUNT && seen.insert(class));
                }
            }
        }
    }
}
