use super::mode::TUNNEL_SOURCES;
use super::{Decap, Mode, ON_ETH0, Responder, Scene, backends, handoff};
use anyhow::Result;
use lb_user::control::types::BackendStatus;
use lb_user::lab::{Agent, Node};
use nix::sys::signal::Signal;
use std::net::{IpAddr, SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

/// Servers of a cluster.
pub const SERVERS: u8 = 3;

/// TCP and UDP port of all services.
const PORT: u16 = 8000;
/// How long anything may be silent: long, because only what is lost is.
const PATIENCE: Duration = Duration::from_secs(30);
/// What VIPs are in, by family.
const VIPS: [&str; 2] = ["192.0.2.0/24", "2001:db8::/64"];

/// A cluster that speaks IPv4 and IPv6: servers that `handoff decap` makes back-ends, with a TCP and a UDP service for each mode that is
/// looked at, and a client that sends to the balancer what is for their VIPs.
#[derive(Debug)]
pub struct Cluster {
    modes: Vec<Mode>,
    decaps: Vec<Decap>,
    _servers: Vec<Responder>,
    // The last one to be dropped: the others are in its namespaces.
    scene: Scene,
}

impl Cluster {
    /// Makes it, but for the balancer's agent.
    ///
    /// # Errors
    /// When a part of it cannot be made.
    pub fn set(name: &str, modes: &[Mode]) -> Result<Self> {
        let scene = Scene::set(name, SERVERS)?;
        scene.stage().topology().speak_ipv6()?;
        Self::on(scene, Node::Client, modes)
    }

    /// Makes it with the client behind a router: see [`Scene::put_router`].
    ///
    /// # Errors
    /// When a part of it cannot be made.
    pub fn behind_router(name: &str, mtu: u16, modes: &[Mode]) -> Result<Self> {
        let scene = Scene::set(name, SERVERS)?;
        scene.stage().topology().speak_ipv6()?;
        scene.put_router(mtu)?;
        Self::on(scene, Node::Router, modes)
    }

    /// `edge` is the client's node on the switch.
    fn on(scene: Scene, edge: Node, modes: &[Mode]) -> Result<Self> {
        let gateways = [Node::Balancer.address().map(IpAddr::V4), Node::Balancer.address_v6().map(IpAddr::V6)];
        for (vips, gateway) in VIPS.into_iter().zip(gateways.into_iter().flatten()) {
            scene.ip(edge, &format!("route add {vips} via {gateway}"))?;
        }
        let mut cluster = Self { modes: modes.to_vec(), decaps: Vec::new(), _servers: Vec::new(), scene };
        for node in cluster.servers() {
            cluster.decaps.push(cluster.start_decap(node)?);
            let (namespace, name) = (cluster.scene.namespace(node), node.to_string());
            cluster._servers.push(Responder::exchanging(&namespace, PORT, &name)?);
            for mode in &cluster.modes {
                cluster._servers.push(Responder::echoing(&namespace, mode.address(), &name)?);
            }
        }
        Ok(cluster)
    }

    fn start_decap(&self, node: Node) -> Result<Decap> {
        let folder = self.scene.site().run_folder();
        let mut command = handoff(&["decap", "--json", "--interface", "eth0", "--run-folder"]);
        command.arg(folder.join(format!("decap-{node}")));
        for mode in &self.modes {
            command.args(["--vip", &mode.vip().to_string()]);
        }
        if self.modes.iter().any(|mode| mode.is_tunnel()) {
            command.args(TUNNEL_SOURCES.into_iter().flat_map(|source| ["--source", source]));
        } else {
            command.arg("--l2-dsr");
        }
        let log = folder.join(format!("decap-{node}.log"));
        self.scene.namespace(node).run(|| Decap::start(&mut command, log))?
    }

    /// Starts the agent, and waits until every back-end gets new flows.
    ///
    /// # Errors
    /// When it does not get ready.
    pub fn start_agent(&self) -> Result<Agent> {
        self.scene.start_agent_with(ON_ETH0, &self.services(|_| String::new()))
    }

    /// The services of all modes; `more` has more lines about those of a protocol.
    pub fn services(&self, more: impl Fn(&str) -> String) -> String {
        let of_mode =
            |mode: &Mode| ["tcp", "udp"].map(|protocol| mode.service(protocol, PORT, self.servers(), &more(protocol)));
        self.modes.iter().flat_map(of_mode).collect()
    }

    /// Ends the `handoff decap` of the server `number`, which undoes what it did.
    ///
    /// # Errors
    /// When it does not end.
    pub fn stop_decap(&mut self, number: u8) -> Result<()> {
        let decap = &mut self.decaps[usize::from(number) - 1];
        decap.signal(Signal::SIGTERM)?;
        while decap.event().is_ok() {}
        Ok(())
    }

    /// Starts it again.
    ///
    /// # Errors
    /// When it does not get ready.
    pub fn restart_decap(&mut self, number: u8) -> Result<()> {
        self.decaps[usize::from(number) - 1] = self.start_decap(Node::Server(number))?;
        Ok(())
    }

    /// The network.
    pub fn scene(&self) -> &Scene {
        &self.scene
    }

    /// The servers, in the order of their numbers.
    pub fn servers(&self) -> impl Iterator<Item = Node> + use<> {
        self.scene.stage().topology().servers()
    }

    /// Connects the client to the mode's TCP service.
    ///
    /// # Errors
    /// When nobody answers.
    pub fn connect(&self, mode: Mode) -> Result<TcpStream> {
        let connect = || TcpStream::connect_timeout(&mode.address(), PATIENCE);
        let connection = self.scene.namespace(Node::Client).run(connect)??;
        connection.set_read_timeout(Some(PATIENCE))?;
        connection.set_write_timeout(Some(PATIENCE))?;
        Ok(connection)
    }

    /// A socket of the client's that is connected to the mode's UDP service.
    ///
    /// # Errors
    /// When there is no port left.
    pub fn socket(&self, mode: Mode) -> Result<UdpSocket> {
        let any = if mode.vip().is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
        let socket = self.scene.namespace(Node::Client).run(|| UdpSocket::bind(any))??;
        socket.connect(mode.address())?;
        socket.set_read_timeout(Some(PATIENCE))?;
        Ok(socket)
    }

    /// What the agent says of the back-ends of the mode's TCP or UDP service, in the order of the servers.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn backends(&self, agent: &Agent, mode: Mode, protocol: &str) -> Result<Vec<BackendStatus>> {
        let name = format!("{mode}-{protocol}");
        Ok(backends(agent)?.into_iter().filter(|backend| backend.service == name).collect())
    }

    /// Packets that came out of the mode's tunnel, for each server.
    ///
    /// # Errors
    /// When a `handoff decap` has ended.
    pub fn decapsulated(&mut self, mode: Mode) -> Result<Vec<u64>> {
        self.decaps.iter_mut().map(|decap| decap.packets(&mode.to_string())).collect()
    }
}

impl Mode {
    /// Where its services are.
    fn address(self) -> SocketAddr {
        SocketAddr::new(self.vip(), PORT)
    }
}
