use std::net::IpAddr;

/// Why no packet gets to a back-end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreachable {
    /// No Ethernet interface has an address of its subnet.
    #[error(
        "{address} is in no connected subnet: l2-dsr needs the back-end on the balancer's own segment; add an address of that subnet to an interface"
    )]
    NotConnected {
        /// The back-end.
        address: IpAddr,
    },
    /// The balancer itself has the address.
    #[error("{address} is an address of the balancer itself: a back-end must be another host")]
    OwnAddress {
        /// The back-end.
        address: IpAddr,
    },
    /// The address does not say on which interface it is.
    #[error(
        "{address} is a link-local address, which could be on any interface: give the back-end a global or a unique local one"
    )]
    LinkLocal {
        /// The back-end.
        address: IpAddr,
    },
    /// The interface of a fixed next hop is not there.
    #[error("there is no Ethernet interface {interface}: give another one in the back-end's `interface`, or add it")]
    NoLink {
        /// The interface.
        interface: String,
    },
    /// A tunnel has nothing to start at.
    #[error(
        "the balancer has no address of its own to send tunnelled packets to {address} from: give the interface one, or set the service's `tunnel-source`"
    )]
    NoSource {
        /// The back-end.
        address: IpAddr,
    },
    /// The address is that of a subnet or a group.
    #[error("{address} is a network, broadcast, multicast or anycast address: a back-end must be one host")]
    NotOneHost {
        /// The back-end.
        address: IpAddr,
    },
    /// The kernel has no route.
    #[error(
        "there is no route to {address}: add one, as with `ip route add {address} via GATEWAY`, or an address of its subnet to an interface"
    )]
    NoRoute {
        /// The back-end.
        address: IpAddr,
    },
    /// The kernel has a route that leads nowhere.
    #[error(
        "packets to {address} are discarded by a route of type {kind}: remove it, or add another one for {address} alone"
    )]
    Discarded {
        /// The back-end.
        address: IpAddr,
        /// `blackhole`, `unreachable` or `prohibit`.
        kind: &'static str,
    },
    /// The kernel would send by something else than Ethernet.
    #[error(
        "the route to {address} leads through a tunnel or an interface that is not Ethernet, see `ip route get {address}`: route it through an Ethernet interface"
    )]
    NotEthernet {
        /// The back-end.
        address: IpAddr,
    },
    /// A VLAN interface with nothing to send by.
    #[error(
        "interface {interface} cannot be sent by: below a VLAN interface there must be an Ethernet interface of the same network namespace, and not more than one other VLAN interface"
    )]
    Vlan {
        /// The VLAN interface.
        interface: String,
    },
    /// The interface towards it is down.
    #[error("interface {interface} is down: switch it on with `ip link set dev {interface} up`, and check its cable")]
    LinkDown {
        /// The interface.
        interface: String,
    },
    /// Nobody is asked there.
    #[error(
        "interface {interface} has no link-local address, which the kernel asks for IPv6 neighbours from: add one that no other host has, as with `ip address add fe80::2/64 dev {interface}`"
    )]
    NoLinkLocal {
        /// The interface.
        interface: String,
    },
    /// It has not answered, or no longer does.
    #[error("no answer to {} on {interface}: is the back-end up and on this segment?", protocol(.address))]
    Unresolved {
        /// The interface.
        interface: String,
        /// The back-end.
        address: IpAddr,
    },
    /// The router towards it has not answered, or no longer does.
    #[error(
        "no answer to {} from the gateway {gateway} on {interface}: is it up and on this segment?",
        protocol(.gateway)
    )]
    GatewayUnresolved {
        /// The interface.
        interface: String,
        /// The router.
        gateway: IpAddr,
    },
}

/// What finds the Ethernet address of a neighbour.
fn protocol(neighbour: &IpAddr) -> &'static str {
    match neighbour {
        IpAddr::V4(_) => "ARP",
        IpAddr::V6(_) => "neighbour discovery",
    }
}

impl Unreachable {
    /// Whether nothing but another configuration, or other addresses of the balancer, will change it. Routes, links and hosts come and go.
    pub fn is_lasting(&self) -> bool {
        matches!(
            self,
            Self::NotConnected { .. }
                | Self::OwnAddress { .. }
                | Self::LinkLocal { .. }
                | Self::NotOneHost { .. }
                | Self::NoLink { .. }
        )
    }
}
