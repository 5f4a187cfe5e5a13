use super::{Decap, Outcome, Responder, Scene, handoff, outcome};
use anyhow::{Result, bail};
use lb_common::decap::{Family, Kind, Tunnel};
use lb_user::lab::{Namespace, Node};
use socket2::{Domain, Protocol, Socket, Type};
use std::fs;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

/// The VIPs, by family.
pub const VIPS: [&str; 2] = ["192.0.2.10", "2001:db8::10"];

/// What the client begins tunnels at, and the back-end ends them at, by family.
const ENDS: [[&str; 2]; 2] = [["198.18.0.1", "198.18.1.1"], ["fd00:1::1", "fd00:1::2"]];
/// What the client is for the servers: addresses that are behind another interface than the tunnels.
const CLIENTS: [[&str; 2]; 2] = [["203.0.113.9", "203.0.113.1"], ["2001:db8:9::9", "2001:db8:9::1"]];
/// The settings that `handoff decap` may change.
const SETTINGS: [&str; 3] = ["arp_ignore", "arp_announce", "rp_filter"];

/// A back-end, and a client that is its balancer as well. Tunnels lead from `eth0` to `eth0`; answers go from `eth1` to `eth1`, and the
/// back-end filters what comes in by the wrong one of them.
#[derive(Debug)]
pub struct Backend {
    scene: Scene,
}

impl Backend {
    /// The node that it is.
    pub const NODE: Node = Node::Server(1);

    /// Makes it, out of the one server of a scene.
    ///
    /// # Errors
    /// When a part of it cannot be made.
    pub fn set(name: &str) -> Result<Self> {
        let scene = Scene::set(name, 1)?;
        scene.ip(Self::NODE, &format!("addr del {}/32 dev lo", lb_user::lab::topology::VIP))?;
        let backend = Self { scene };
        let peer = backend.namespace(Node::Client);
        backend.ip(Self::NODE, &format!("link add eth1 type veth peer name eth1 netns {peer}"))?;
        for (node, side) in [(Node::Client, 0), (Self::NODE, 1)] {
            backend.write(node, "ipv6/conf/all/disable_ipv6", "0")?;
            backend.ip(node, "link set eth1 up")?;
            backend.ip(node, &format!("addr add {}/24 dev eth1", CLIENTS[0][side]))?;
            backend.ip(node, &format!("addr add {}/64 dev eth1 nodad", CLIENTS[1][side]))?;
            backend.ip(node, &format!("addr add {}/64 dev eth0 nodad", ENDS[1][side]))?;
        }
        for (key, value) in [("arp_ignore", "0"), ("arp_announce", "0"), ("rp_filter", "1")] {
            backend.write(Self::NODE, &format!("ipv4/conf/all/{key}"), value)?;
        }
        Ok(backend)
    }

    /// Namespace of `node`.
    pub fn namespace(&self, node: Node) -> Namespace {
        self.scene.namespace(node)
    }

    /// Runs `ip` with the words of `command` at `node`.
    ///
    /// # Errors
    /// When it fails.
    pub fn ip(&self, node: Node, command: &str) -> Result<String> {
        self.scene.ip(node, command)
    }

    /// Writes a setting of the network stack of `node`.
    ///
    /// # Errors
    /// When there is none of this name.
    pub fn write(&self, node: Node, key: &str, value: &str) -> Result<()> {
        self.scene.write(node, key, value)
    }

    /// All that `handoff decap` may change: loopback's addresses, the settings, and the program on `eth0`.
    ///
    /// # Errors
    /// When a part of it cannot be read.
    pub fn state(&self) -> Result<String> {
        let mut state = self.ip(Self::NODE, "addr show dev lo")? + &self.ip(Self::NODE, "link show dev eth0")?;
        for interface in ["all", "default", "lo", "eth0", "eth1"] {
            for name in SETTINGS {
                state += &format!("{interface} {name} {}\n", self.setting(interface, name)?);
            }
        }
        Ok(state)
    }

    /// An IPv4 setting of an interface of the back-end.
    ///
    /// # Errors
    /// When there is no such interface or setting.
    pub fn setting(&self, interface: &str, name: &str) -> Result<String> {
        let path = format!("/proc/sys/net/ipv4/conf/{interface}/{name}");
        Ok(self.namespace(Self::NODE).run(|| fs::read_to_string(&path))??.trim().to_owned())
    }

    /// Folder of record and lock.
    pub fn run_folder(&self) -> PathBuf {
        self.scene.site().run_folder().join("decap")
    }

    /// `handoff decap` with these arguments, and the back-end's folder.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = handoff(&["decap"]);
        command.args(args).arg("--run-folder").arg(self.run_folder());
        command
    }

    /// Runs `command` at the back-end, to its end.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn run(&self, command: &mut Command) -> Result<Outcome> {
        Ok(self.namespace(Self::NODE).run(|| outcome(command))??)
    }

    /// Starts `handoff decap` with both VIPs, tunnels on `eth0` and these arguments, and waits until it is ready.
    ///
    /// # Errors
    /// When it does not get ready.
    pub fn start(&self, args: &[&str]) -> Result<Decap> {
        let usual = ["--json", "--interface", "eth0", "--vip", VIPS[0], "--vip", VIPS[1]];
        let mut command = self.command(&[&usual[..], args].concat());
        let log = self.scene.site().run_folder().join("decap.log");
        self.namespace(Self::NODE).run(|| Decap::start(&mut command, log))?
    }

    /// Starts servers at the VIPs.
    ///
    /// # Errors
    /// When a VIP is not there.
    pub fn servers(&self) -> Result<[Responder; 2]> {
        let start = |family| Responder::udp(&self.namespace(Self::NODE), Self::server(family), "server");
        Ok([start(Family::V4)?, start(Family::V6)?])
    }

    /// Where the server at the VIP of this family is.
    pub fn server(family: Family) -> SocketAddr {
        match family {
            Family::V4 => SocketAddr::from(([192, 0, 2, 10], 7)),
            Family::V6 => SocketAddr::from(([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0x10], 7)),
        }
    }

    /// A socket of the client's, which servers answer to.
    ///
    /// # Errors
    /// When there is no port left.
    pub fn client(&self, family: Family) -> Result<UdpSocket> {
        let address: IpAddr = CLIENTS[family as usize][0].parse()?;
        let socket = self.namespace(Node::Client).run(|| UdpSocket::bind((address, 0)))??;
        socket.set_read_timeout(Some(Duration::from_secs(5)))?;
        Ok(socket)
    }

    /// Sends a datagram of `client` to `server` by way of a tunnel to the back-end.
    ///
    /// # Errors
    /// When it cannot be sent.
    pub fn send(&self, tunnel: Tunnel, client: &UdpSocket, server: SocketAddr) -> Result<()> {
        self.send_to(ENDS[tunnel.outer as usize][1].parse()?, tunnel, client, server)
    }

    /// As [`Backend::send`], but the tunnel ends at another address.
    ///
    /// # Errors
    /// When it cannot be sent.
    pub fn send_to(&self, end: IpAddr, tunnel: Tunnel, client: &UdpSocket, server: SocketAddr) -> Result<()> {
        let inner = datagram(client.local_addr()?, server)?;
        let protocol = if tunnel.inner == Family::V4 { 4 } else { 41 };
        self.namespace(Node::Client).run(|| {
            if tunnel.kind == Kind::Ipip {
                // The kernel makes the outer header.
                let socket =
                    Socket::new(Domain::for_address((end, 0).into()), Type::RAW, Some(Protocol::from(protocol)))?;
                return socket.send_to(&inner, &SocketAddr::from((end, 0)).into());
            }
            let socket = UdpSocket::bind((ENDS[tunnel.outer as usize][0], 0))?;
            let header = [0, protocol as u8, 0, 0];
            let header = if tunnel.kind == Kind::Gue { &header[..] } else { &[] };
            socket.send_to(&[header, &inner].concat(), (end, lb_user::decap::DEFAULT_GUE_PORT))
        })??;
        Ok(())
    }
}

/// A datagram from `client` to `server`, from its IP header on.
fn datagram(client: SocketAddr, server: SocketAddr) -> Result<Vec<u8>> {
    let builder = match (client.ip(), server.ip()) {
        (IpAddr::V4(from), IpAddr::V4(to)) => etherparse::PacketBuilder::ipv4(from.octets(), to.octets(), 60),
        (IpAddr::V6(from), IpAddr::V6(to)) => etherparse::PacketBuilder::ipv6(from.octets(), to.octets(), 60),
        _ => bail!("{client} and {server} are of two families"),
    };
    let mut bytes = Vec::new();
    builder.udp(client.port(), server.port()).write(&mut bytes, b"who?")?;
    Ok(bytes)
}
