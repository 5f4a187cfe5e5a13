//! The network that all subjects are measured in, and what is the same for all of them.

use crate::load::{Servers, TARGET};
use anyhow::{Context, Result, ensure};
use lb_tests::scene::{Outcome, Scene, eventually, outcome};
use lb_user::lab::topology::{INTERFACE, VIP};
use lb_user::lab::{Namespace, Node};
use procfs::FromRead;
use procfs::net::InterfaceDeviceStatus;
use std::fs;
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{self, Command};
use std::time::Duration;

/// How many back-ends there are.
pub(crate) const BACKENDS: u8 = 3;

/// Settings of every node: nobody is in the way of packets that come back by another way, and routers do not teach others short cuts.
const SETTINGS: [(&str, &str); 11] = [
    ("ipv4/conf/all/rp_filter", "0"),
    ("ipv4/conf/eth0/rp_filter", "0"),
    ("ipv4/conf/all/send_redirects", "0"),
    ("ipv4/conf/eth0/send_redirects", "0"),
    ("ipv4/conf/all/accept_redirects", "0"),
    ("ipv4/conf/eth0/accept_redirects", "0"),
    // Each connection goes one of several ways by a hash of its addresses and ports.
    ("ipv4/fib_multipath_hash_policy", "1"),
    // Between namespaces that hash is the one of the sender's socket, which would choose another one, and so another way, when segments are lost.
    ("core/txrehash", "0"),
    // The one that every kernel has and lets namespaces use. Others pace themselves by timers, and those would be measured.
    ("ipv4/tcp_congestion_control", "reno"),
    ("core/somaxconn", "8192"),
    ("ipv4/tcp_max_syn_backlog", "8192"),
];

/// The lab's network with a light server at each back-end.
pub(crate) struct Place {
    _servers: Servers,
    /// Whether the balancer's link is a veth pair.
    is_veth: bool,
    // The last one to be dropped: the servers are in its namespaces.
    scene: Scene,
}

impl Place {
    /// Makes it; the balancer's link is a veth pair, or these two interfaces.
    pub(crate) fn set(nics: Option<[&String; 2]>) -> Result<Self> {
        let scene = Scene::set(&format!("peers-{}", process::id()), BACKENDS)?;
        let namespaces: Vec<_> = backends().map(|node| scene.namespace(node)).collect();
        let place = Self { _servers: Servers::start(&namespaces)?, is_veth: nics.is_none(), scene };
        if let Some([near, far]) = nics {
            place.link_by(near, far)?;
        }
        for node in [Node::Client, Node::Balancer].into_iter().chain(backends()) {
            for (key, value) in SETTINGS {
                place.scene.write(node, key, value)?;
            }
            place.without_offload(node, INTERFACE)?;
            place.without_offload(Node::Switch, &node.to_string())?;
        }
        place.switch_without_filters()?;
        // Proxies have connections of their own.
        place.scene.write(Node::Balancer, "ipv4/ip_local_port_range", "1024 65535")?;
        place.scene.write(Node::Balancer, "ipv4/tcp_tw_reuse", "1")?;
        Ok(place)
    }

    /// Connects the balancer and the switch by interfaces of this machine.
    fn link_by(&self, near: &str, far: &str) -> Result<()> {
        fs::remove_dir_all(self.scene.site().pin_folder(Node::Switch)).context("the switch has no pinned link")?;
        self.scene.ip(Node::Switch, &format!("link del {}", Node::Balancer))?;
        for (nic, node, name) in
            [(near, Node::Balancer, INTERFACE.to_owned()), (far, Node::Switch, Node::Balancer.to_string())]
        {
            let namespace = self.scene.namespace(node);
            let moved = outcome(Command::new("ip").args(["link", "set", nic, "netns", namespace.name()]))?;
            ensure!(moved.code == Some(0), "{nic}: {moved:?}");
            self.scene.ip(node, &format!("link set {nic} name {name}"))?;
        }
        self.scene.ip(Node::Switch, &format!("link set {} master bridge up", Node::Balancer))?;
        self.scene.ip(Node::Balancer, &format!("addr add {}/16 dev {INTERFACE}", balancer()?))?;
        self.scene.ip(Node::Balancer, &format!("link set {INTERFACE} up")).map(drop)
    }

    /// Has the switch forward frames without asking the packet filter, where the kernel would do that by default.
    fn switch_without_filters(&self) -> Result<()> {
        for family in ["ip", "ip6", "arp"] {
            let key = format!("bridge/bridge-nf-call-{family}tables");
            let is_there = self.scene.namespace(Node::Switch).run(|| Path::new("/proc/sys/net").join(&key).exists())?;
            if is_there {
                self.scene.write(Node::Switch, &key, "0")?;
            }
        }
        Ok(())
    }

    /// Frames are complete and of their own size on every link, as they would be between machines.
    fn without_offload(&self, node: Node, interface: &str) -> Result<()> {
        let off = ["tx", "off", "tso", "off", "gso", "off", "gro", "off"];
        self.command(node, "ethtool", &[&["-K", interface], &off[..]].concat())
    }

    /// Has the switch's end of the balancer's link take in what XDP sends back, or only what the kernel sends. It takes an XDP program, of which
    /// packets that the kernel sends would be copied: GRO is not enough, as veth wakes nobody up then.
    pub(crate) fn take_in_from_xdp(&self, on: bool) -> Result<()> {
        if !self.is_veth {
            return Ok(());
        }
        let look = format!("link show dev {}", Node::Balancer);
        let is_on = || Ok(self.scene.ip(Node::Switch, &look)?.contains("xdp"));
        match (is_on()?, on) {
            (false, true) => Ok(self.scene.stage().prepare_peer()?),
            (true, false) => {
                let pins = self.scene.site().pin_folder(Node::Switch);
                fs::remove_dir_all(pins).context("the switch has no pinned link")?;
                eventually("the switch's XDP program is gone", || is_on().map(|is_on| !is_on))
            }
            _ => Ok(()),
        }
    }

    /// The scene in it.
    pub(crate) fn scene(&self) -> &Scene {
        &self.scene
    }

    /// Namespace of the client.
    pub(crate) fn client(&self) -> Namespace {
        self.scene.namespace(Node::Client)
    }

    /// A file that goes with the network.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.scene.site().run_folder().join(name)
    }

    /// Runs a program at `node` that has to succeed.
    pub(crate) fn command(&self, node: Node, program: &str, args: &[&str]) -> Result<()> {
        let run = || outcome(Command::new(program).args(args));
        let ended: Outcome = self.scene.namespace(node).run(run)?.with_context(|| format!("cannot start {program}"))?;
        ensure!(ended.code == Some(0), "{program} {}: {ended:?}", args.join(" "));
        Ok(())
    }

    /// Has the client send what is for the VIP by way of these, one of which each connection takes.
    pub(crate) fn send_by(&self, gateways: &[Ipv4Addr]) -> Result<()> {
        self.route(Node::Client, gateways)?;
        // What was learnt of the way of the subject before, the largest packet above all.
        self.command(Node::Client, "ip", &["route", "flush", "cache"])
    }

    /// Has the router at the balancer's place forward what is for the VIP to the back-ends, or not forward at all.
    pub(crate) fn forward(&self, on: bool) -> Result<()> {
        self.scene.write(Node::Balancer, "ipv4/ip_forward", if on { "1" } else { "0" })
    }

    /// Routes what is for the VIP to the back-ends, at the balancer.
    pub(crate) fn route_to_backends(&self) -> Result<()> {
        self.route(Node::Balancer, &addresses())
    }

    fn route(&self, node: Node, gateways: &[Ipv4Addr]) -> Result<()> {
        let hops: String = gateways.iter().map(|gateway| format!(" nexthop via {gateway}")).collect();
        self.scene.ip(node, &format!("route replace {VIP}/32{hops}")).map(drop)
    }

    /// Has the balancer know no way to the VIP.
    pub(crate) fn unroute(&self) -> Result<()> {
        self.scene.ip(Node::Balancer, &format!("route del {VIP}/32")).map(drop)
    }

    /// Has back-ends answer the client directly, or by way of the balancer.
    pub(crate) fn answer(&self, directly: bool) -> Result<()> {
        let client = Node::Client.address().context("the client has an address")?;
        let way = if directly { format!("dev {INTERFACE}") } else { format!("via {}", balancer()?) };
        backends().try_for_each(|node| self.scene.ip(node, &format!("route replace {client}/32 {way}")).map(drop))
    }

    /// Waits until connections come through to all back-ends: until all know each other's Ethernet addresses, above all.
    pub(crate) fn is_open(&self) -> Result<()> {
        const IN_A_ROW: u32 = 24;
        let connect = || (0..IN_A_ROW).all(|_| TcpStream::connect_timeout(&TARGET, Duration::from_millis(200)).is_ok());
        eventually("the way to the back-ends is open", || Ok(self.client().run(connect)?))
    }

    /// Has the balancer look for sockets that packets are for before it looks for routes, or not. It would drop what it should forward when a
    /// connection of the same addresses and ports has ended at it a while ago.
    pub(crate) fn ends_connections(&self, on: bool) -> Result<()> {
        self.scene.write(Node::Balancer, "ipv4/tcp_early_demux", if on { "1" } else { "0" })
    }

    /// Packets that the balancer has received.
    pub(crate) fn packets(&self) -> Result<u64> {
        let read = || InterfaceDeviceStatus::from_file("/proc/thread-self/net/dev");
        let status = self.scene.namespace(Node::Balancer).run(read)??;
        Ok(status.0.get(INTERFACE).context("the balancer has no interface")?.recv_packets)
    }
}

/// The back-ends' nodes.
pub(crate) fn backends() -> impl Iterator<Item = Node> {
    (1..=BACKENDS).map(Node::Server)
}

/// The back-ends' addresses.
pub(crate) fn addresses() -> Vec<Ipv4Addr> {
    backends().filter_map(Node::address).collect()
}

/// The balancer's address.
pub(crate) fn balancer() -> Result<Ipv4Addr> {
    Node::Balancer.address().context("the balancer has an address")
}
