//! The network, and the addresses in it.

use super::program::ip;
use super::{Error, Namespace, Site, peer};
use std::fmt;
use std::fs;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddrV4};
use std::str::FromStr;

/// What clients connect to. The subnet 198.18.0.0/16 is set aside for measurements (RFC 2544, appendix C).
pub const VIP: Ipv4Addr = Ipv4Addr::new(198, 18, 255, 1);
/// VIP and port of the lab's service.
pub const SERVICE: SocketAddrV4 = SocketAddrV4::new(VIP, 443);
/// Most servers of a lab.
pub const MAX_SERVERS: u8 = 64;
/// Addresses that the client has besides its own, and their prefix length. The first and the last of them are left out.
const CLIENTS: (Ipv4Addr, u8) = (Ipv4Addr::new(198, 18, 2, 0), 23);
/// How many they are.
pub const MAX_CLIENTS: u16 = (1 << (32 - CLIENTS.1)) - 2;
/// The one interface of each node, besides `lo`.
pub const INTERFACE: &str = "eth0";

/// A machine of the lab: a network namespace of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Node {
    /// Connects all others; its bridge has one port for each, by the name of the node.
    Switch,
    /// The data generator.
    Client,
    /// The virtual server.
    Balancer,
    /// A real server, counted from 1.
    Server(u8),
    /// Between the client and the switch, for whoever wants one there. No lab is made with it.
    Router,
}

impl Node {
    /// Its address; who only connects others has none.
    pub fn address(self) -> Option<Ipv4Addr> {
        match self {
            Self::Switch | Self::Router => None,
            Self::Client => Some(Ipv4Addr::new(198, 18, 0, 1)),
            Self::Balancer => Some(Ipv4Addr::new(198, 18, 0, 2)),
            Self::Server(number) => Some(Ipv4Addr::new(198, 18, 1, number)),
        }
    }

    /// Its address where IPv6 is spoken. The subnet 2001:2::/48 is set aside for measurements as well (RFC 5180, 8).
    pub fn address_v6(self) -> Option<Ipv6Addr> {
        let [_, _, subnet, host] = self.address()?.octets();
        Some(Ipv6Addr::new(0x2001, 2, 0, 0, 0, 0, subnet.into(), host.into()))
    }
}

/// Address of the client with this number, 1 to [`MAX_CLIENTS`].
pub fn client(number: u16) -> Ipv4Addr {
    let (first, _) = CLIENTS;
    Ipv4Addr::from(u32::from(first) + u32::from(number))
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Switch => f.write_str("switch"),
            Self::Client => f.write_str("client"),
            Self::Balancer => f.write_str("balancer"),
            Self::Server(number) => write!(f, "server-{number}"),
            Self::Router => f.write_str("router"),
        }
    }
}

impl FromStr for Node {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "switch" => Ok(Self::Switch),
            "client" => Ok(Self::Client),
            "balancer" => Ok(Self::Balancer),
            "router" => Ok(Self::Router),
            _ => text.strip_prefix("server-").and_then(|number| number.parse().ok()).map(Self::Server).ok_or(()),
        }
    }
}

/// The network of a lab: a switch, and on it a client, a balancer and servers.
///
/// The client sends what is for the VIP to the balancer, from its own address or as one of many clients. Every server has the VIP on its
/// loopback interface and is silent about it, so it answers the client directly, from the VIP, and the balancer sees nothing of it.
#[derive(Clone, Debug)]
pub struct Topology {
    site: Site,
    servers: u8,
}

impl Topology {
    /// Makes the network. What is left of a failed attempt is for the janitor.
    ///
    /// # Errors
    /// When there are no servers or too many, or a part of the network cannot be made.
    pub fn create(site: &Site, servers: u8) -> Result<Self, Error> {
        if !(1..=MAX_SERVERS).contains(&servers) {
            return Err(Error::Backends(servers));
        }
        let topology = Self::planned(site, servers);
        for node in topology.nodes() {
            ip(None, &format!("netns add {}", topology.namespace(node)))?;
            for (key, value) in settings(node) {
                topology.set(node, key, value)?;
            }
        }
        for node in topology.nodes() {
            for command in topology.commands(node) {
                ip(Some(&topology.namespace(node)), &command)?;
            }
        }
        peer::prepare(site)?;
        Ok(topology)
    }

    /// Has all nodes speak IPv6 as well, each by an address of its own besides the link-local one.
    ///
    /// # Errors
    /// When the kernel has no IPv6.
    pub fn speak_ipv6(&self) -> Result<(), Error> {
        for node in self.nodes() {
            for interfaces in ["default", "all"] {
                self.set(node, &format!("ipv6/conf/{interfaces}/disable_ipv6"), "0")?;
            }
            if let Some(address) = node.address_v6() {
                ip(Some(&self.namespace(node)), &format!("addr add {address}/64 dev {INTERFACE} nodad"))?;
            }
        }
        Ok(())
    }

    /// The network as it is to be.
    pub(super) fn planned(site: &Site, servers: u8) -> Self {
        Self { site: site.clone(), servers }
    }

    /// Namespace of `node`.
    pub fn namespace(&self, node: Node) -> Namespace {
        self.site.namespace(node)
    }

    /// The servers, counted from 1.
    pub fn servers(&self) -> impl Iterator<Item = Node> + use<> {
        (1..=self.servers).map(Node::Server)
    }

    /// The switch first: the links of all others start there.
    fn nodes(&self) -> impl Iterator<Item = Node> + use<> {
        [Node::Switch, Node::Client, Node::Balancer].into_iter().chain(self.servers())
    }

    /// What `ip` has to do in the namespace of `node`.
    fn commands(&self, node: Node) -> Vec<String> {
        let mut commands = vec!["link set lo up".to_owned()];
        let Some(address) = node.address() else {
            commands.push("link add bridge type bridge stp_state 0 mcast_snooping 0".to_owned());
            commands.push("link set bridge up".to_owned());
            for node in self.nodes().skip(1) {
                let namespace = self.namespace(node);
                commands.push(format!("link add {node} type veth peer name {INTERFACE} netns {namespace}"));
                commands.push(format!("link set {node} master bridge up"));
            }
            return commands;
        };
        commands.push(format!("addr add {address}/16 dev {INTERFACE}"));
        commands.push(format!("link set {INTERFACE} up"));
        let (clients, prefix_len) = CLIENTS;
        match (node, Node::Balancer.address(), Node::Client.address()) {
            (Node::Client, Some(balancer), _) => {
                commands.push(format!("route add {VIP}/32 via {balancer}"));
                commands.push(format!("route add local {clients}/{prefix_len} dev lo"));
            }
            (Node::Server(_), _, Some(client)) => {
                commands.push(format!("addr add {VIP}/32 dev lo"));
                commands.push(format!("route add {clients}/{prefix_len} via {client}"));
            }
            _ => {}
        }
        commands
    }

    /// Writes a setting of the network stack of `node`.
    fn set(&self, node: Node, key: &str, value: &str) -> Result<(), Error> {
        let path = format!("/proc/sys/net/{key}");
        let written = self.namespace(node).run(|| fs::write(&path, value))?;
        match written {
            // A kernel without IPv6 has nothing to turn off.
            Err(error) if error.kind() == ErrorKind::NotFound && key.starts_with("ipv6/") => Ok(()),
            written => written.map_err(Error::file(path)),
        }
    }
}

/// How the network stack of `node` differs from the usual.
fn settings(node: Node) -> Vec<(&'static str, &'static str)> {
    let mut settings = vec![
        // Nobody speaks IPv6 here until asked to: its packets would be among those that are counted.
        ("ipv6/conf/all/disable_ipv6", "1"),
        ("ipv6/conf/default/disable_ipv6", "1"),
        // Then nobody waits until it is certain that an address is nobody else's.
        ("ipv6/conf/default/accept_dad", "0"),
    ];
    settings.extend_from_slice(match node {
        Node::Switch | Node::Router => &[],
        // Every request is a connection of its own: as many ports as there are, and again as soon as TCP permits it.
        Node::Client => &[("ipv4/ip_local_port_range", "1024 65535"), ("ipv4/tcp_tw_reuse", "1")],
        // What the XDP program does not hand off must not get through by another way.
        Node::Balancer => &[("ipv4/ip_forward", "0")],
        // All servers have the VIP; none may answer or ask ARP for it.
        Node::Server(_) => &[("ipv4/conf/all/arp_ignore", "1"), ("ipv4/conf/all/arp_announce", "2")],
    });
    settings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commands(node: Node) -> Vec<String> {
        Topology::planned(&Site::named("t").unwrap(), 2).commands(node)
    }

    #[test]
    fn the_client_reaches_the_vip_through_the_balancer() {
        assert_eq!(
            commands(Node::Client),
            [
                "link set lo up",
                "addr add 198.18.0.1/16 dev eth0",
                "link set eth0 up",
                "route add 198.18.255.1/32 via 198.18.0.2",
                "route add local 198.18.2.0/23 dev lo"
            ]
        );
    }

    #[test]
    fn many_clients_are_where_the_client_is() {
        assert_eq!(client(1).to_string(), "198.18.2.1");
        assert_eq!(client(MAX_CLIENTS).to_string(), "198.18.3.254");
        assert_eq!(commands(Node::Server(2))[4], "route add 198.18.2.0/23 via 198.18.0.1");
    }

    #[test]
    fn every_server_has_the_vip_where_nobody_asks_for_it() {
        assert_eq!(commands(Node::Server(2))[1], "addr add 198.18.1.2/16 dev eth0");
        assert_eq!(commands(Node::Server(2))[3], "addr add 198.18.255.1/32 dev lo");
        assert!(settings(Node::Server(2)).contains(&("ipv4/conf/all/arp_ignore", "1")));
    }

    #[test]
    fn the_switch_has_a_port_for_each_other_node() {
        let ports: Vec<_> = commands(Node::Switch).into_iter().filter(|command| command.contains("veth")).collect();
        assert_eq!(ports.len(), 4);
        assert_eq!(ports[3], "link add server-2 type veth peer name eth0 netns ho-t-server-2");
    }

    #[test]
    fn addresses_of_both_families_are_alike() {
        assert_eq!(Node::Balancer.address_v6(), Some("2001:2::2".parse().unwrap()));
        assert_eq!(Node::Server(10).address_v6(), Some("2001:2::1:a".parse().unwrap()));
        assert_eq!(Node::Switch.address_v6(), None);
    }

    #[test]
    fn names_of_nodes_can_be_read_back() {
        for node in [Node::Switch, Node::Client, Node::Balancer, Node::Server(64), Node::Router] {
            assert_eq!(node.to_string().parse(), Ok(node));
        }
        assert_eq!("server-1-client".parse::<Node>(), Err(()));
    }
}
