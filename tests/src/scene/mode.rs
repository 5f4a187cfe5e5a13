use lb_common::decap::{Family, Kind, Tunnel};
use lb_user::lab::Node;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Where the balancer's tunnels begin, by family. It has none of these addresses.
pub(super) const TUNNEL_SOURCES: [&str; 2] = ["172.16.0.0/16", "fd00:1::/64"];

/// How packets get to back-ends, and of which families VIP and back-ends are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// `l2-dsr`: both of the same family.
    L2Dsr(Family),
    /// `ipip` or `gue`: the inner family is the VIP's, the outer one that of the back-ends.
    Tunnel(Tunnel),
}

impl Mode {
    /// Each mode once.
    pub fn all() -> impl Iterator<Item = Self> {
        // The balancer has no other variant of GUE than 0.
        let tunnels = Tunnel::all().filter(|tunnel| tunnel.kind != Kind::GueDirect);
        [Family::V4, Family::V6].map(Self::L2Dsr).into_iter().chain(tunnels.map(Self::Tunnel))
    }

    /// `l2-dsr`, `ipip` or `gue`.
    pub fn forwarding(self) -> &'static str {
        match self {
            Self::L2Dsr(_) => "l2-dsr",
            Self::Tunnel(Tunnel { kind: Kind::Ipip, .. }) => "ipip",
            Self::Tunnel(_) => "gue",
        }
    }

    /// The VIP of its services: each mode has one of its own.
    pub fn vip(self) -> IpAddr {
        let number = 10 + Self::all().take_while(|mode| *mode != self).count() as u8;
        match self {
            Self::L2Dsr(Family::V4) | Self::Tunnel(Tunnel { inner: Family::V4, .. }) => {
                Ipv4Addr::new(192, 0, 2, number).into()
            }
            _ => Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, number.into()).into(),
        }
    }

    /// The address of `node` that is of the back-ends' family.
    pub fn address_of(self, node: Node) -> Option<IpAddr> {
        match self {
            Self::L2Dsr(Family::V4) | Self::Tunnel(Tunnel { outer: Family::V4, .. }) => node.address().map(IpAddr::V4),
            _ => node.address_v6().map(IpAddr::V6),
        }
    }

    /// A service of the mode's VIP, called after mode and protocol, with these servers as back-ends and the lines `more`.
    pub(super) fn service(self, protocol: &str, port: u16, servers: impl Iterator<Item = Node>, more: &str) -> String {
        let backend = |node| Some(format!("    {{ name = \"{node}\", address = \"{}\" }},\n", self.address_of(node)?));
        let backends: String = servers.filter_map(backend).collect();
        let [source_v4, source_v6] = TUNNEL_SOURCES.map(|source| format!("tunnel-source = [{source:?}]\n"));
        let source = match self {
            Self::L2Dsr(_) => String::new(),
            Self::Tunnel(Tunnel { outer: Family::V4, .. }) => source_v4,
            Self::Tunnel(Tunnel { outer: Family::V6, .. }) => source_v6,
        };
        format!(
            "[[service]]
name = \"{self}-{protocol}\"
vip = \"{}\"
port = {port}
protocol = \"{protocol}\"
forwarding = \"{}\"
{source}{more}backends = [
{backends}]
",
            self.vip(),
            self.forwarding()
        )
    }

    /// Whether packets are in other packets on their way.
    pub fn is_tunnel(self) -> bool {
        matches!(self, Self::Tunnel(_))
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::L2Dsr(Family::V4) => "l2-dsr-4",
            Self::L2Dsr(Family::V6) => "l2-dsr-6",
            Self::Tunnel(tunnel) => tunnel.name(),
        })
    }
}
