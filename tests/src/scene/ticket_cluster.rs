use super::web_server::{Identity, Kind, Place};
use super::{ON_ETH0, Scene, Tmpfs, WebServer, configuration, eventually, handoff, outcome, program, service, wait};
use anyhow::{Context, Result, ensure};
use lb_user::control::types::{ApplyRequest, RingStatus};
use lb_user::lab::topology::{SERVICE, VIP};
use lb_user::lab::{Agent, Node};
use lb_user::tickets::node::{Pull, Target};
use lb_user::tickets::{RingName, Ticketer, Timing};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

/// Whose certificate the servers have.
pub const HOST: &str = "shop.example";
/// The ring of the cluster.
pub const RING: &str = "shop";
/// Port of the service: the lab's own servers have another.
const PORT: u16 = 8443;
/// Port where the agent hands out rings.
const RINGS: u16 = 9444;

/// Web servers behind the VIP that share their ticket keys, with everything that the product has for that: an authority and certificates
/// by `handoff tickets init-ca` and `enroll`, an agent, and `handoff tickets pull` on each back-end.
pub struct TicketCluster {
    nodes: Vec<TicketNode>,
    /// Where the clients of servers in this process run.
    pulls: Vec<Runtime>,
    agent: Option<Agent>,
    identity: Identity,
    /// Where the agent keeps rings; unmounted at the end.
    memory: Tmpfs,
    /// Port of the service.
    port: u16,
    settings: String,
    servers: u8,
    scene: Scene,
}

/// A back-end: a web server, and the client that fetches its keys.
pub struct TicketNode {
    server: WebServer,
    client: Option<Child>,
    /// Bytes of its log that are of clients before.
    former_log: usize,
    folder: PathBuf,
    node: Node,
    memory: Tmpfs,
}

impl TicketCluster {
    /// Two back-ends of a kind, each with its keys; `settings` are lines of the ring in the agent's configuration, as its rotation.
    ///
    /// # Errors
    /// When a part of it does not get ready.
    pub fn start(name: &str, kind: Kind, settings: &str) -> Result<Self> {
        let mut cluster = Self::prepare(name, server_kind(kind), PORT, 2, settings)?;
        for number in [1, 2] {
            let node = TicketNode::install(&cluster, kind, number)?;
            cluster.nodes.push(node);
        }
        for node in &mut cluster.nodes {
            node.start_client(&cluster.scene)?;
            let folder = node.memory.path().to_owned();
            eventually("there are keys", || Ok(fs::read_dir(&folder)?.count() > 1))?;
            node.server.start()?;
        }
        cluster.wait_for_nodes()?;
        Ok(cluster)
    }

    /// The agent of so many back-ends, which are there as far as the lab has them; `port` is the one of the service.
    fn prepare(name: &str, server: &str, port: u16, servers: u8, settings: &str) -> Result<Self> {
        let scene = Scene::set(name, servers)?;
        let identity = Identity::make(&scene.site().run_folder(), HOST)?;
        let settings = format!("server = \"{server}\"\n{settings}");
        let memory = Tmpfs::mount("size=64k")?;
        let mut cluster = Self {
            nodes: Vec::new(),
            pulls: Vec::new(),
            agent: None,
            identity,
            memory,
            port,
            settings,
            servers,
            scene,
        };
        cluster.certify()?;
        cluster.start_agent()?;
        Ok(cluster)
    }

    /// The lab's own servers as back-ends: each has a ticketer, which gets its keys in its process.
    ///
    /// # Errors
    /// When a part of it does not get ready.
    pub fn start_rustls(name: &str, servers: u8, settings: &str) -> Result<Self> {
        let mut cluster = Self::prepare(name, "rustls", SERVICE.port(), servers, settings)?;
        for (number, server) in (1..).zip(cluster.scene.stage().servers()) {
            let ticketer = Arc::new(Ticketer::new(Timing::DEFAULT));
            server.configure(Arc::new(cluster.identity.server(ticketer.clone())?));
            let agents = cluster.client_config(number)?.agents()?;
            let ring = RingName::try_from(RING.to_owned()).map_err(anyhow::Error::msg)?;
            // Sockets belong to the namespace of the thread that makes them.
            let runtime = cluster
                .scene
                .namespace(Node::Server(number))
                .run(|| Builder::new_multi_thread().worker_threads(1).enable_all().build())??;
            let (ready, is_ready) = oneshot::channel();
            runtime.spawn(Pull::new(ring, agents, Target::Process(ticketer)).run(ready));
            is_ready.blocking_recv()?;
            cluster.pulls.push(runtime);
        }
        cluster.wait_for_nodes()?;
        Ok(cluster)
    }

    /// Waits until all nodes have the ring.
    ///
    /// # Errors
    /// When they do not get it.
    pub fn wait_for_nodes(&self) -> Result<()> {
        eventually("all nodes have the ring", || {
            let ring = self.status()?;
            Ok(ring.nodes.iter().all(|node| node.lag == Some(0) && node.error.is_none()))
        })
    }

    /// What the client on a back-end would be told, for whoever does its work.
    fn client_config(&self, number: u8) -> Result<lb_user::tickets::node::Config> {
        let folder = self.certificates().join(format!("server-{number}"));
        let file = folder.join("tickets.toml");
        let ring = format!("[[ring]]\nname = \"{RING}\"\nfolder = \"/nowhere\"\ndriver = \"envoy\"\n");
        fs::write(&file, self.client_text(&folder)? + &ring)?;
        Ok(lb_user::tickets::node::Config::load(&file)?)
    }

    /// As it comes from `enroll`, where the files will be; here they stay where they are.
    fn client_text(&self, folder: &Path) -> Result<String> {
        let [certificate, key, ca] = ["node.pem", "node.key", "ca.pem"].map(|name| folder.join(name));
        let agent = SocketAddr::from((self.balancer()?, RINGS));
        Ok(format!("agents = [\"https://{agent}\"]\ncertificate = {certificate:?}\nkey = {key:?}\nca = {ca:?}\n"))
    }

    /// Starts the agent, perhaps once more.
    ///
    /// # Errors
    /// When it does not get ready.
    pub fn start_agent(&mut self) -> Result<()> {
        self.agent = Some(self.scene.start_agent_with(ON_ETH0, &self.services("")?)?);
        Ok(())
    }

    /// The agent.
    ///
    /// # Errors
    /// When there is none.
    pub fn agent(&self) -> Result<&Agent> {
        self.agent.as_ref().context("the agent is not running")
    }

    /// Takes the agent away. It ends when it is dropped.
    pub fn take_agent(&mut self) -> Option<Agent> {
        self.agent.take()
    }

    /// The services and the ring, as the agent's configuration has them; `tickets` are further lines of its table.
    ///
    /// # Errors
    /// When a path is no text.
    pub fn services(&self, tickets: &str) -> Result<String> {
        let backends: Vec<(String, String)> = (1..=self.servers).map(named).collect();
        let backends: Vec<_> = backends.iter().map(|(name, address)| (name.as_str(), address.as_str())).collect();
        Ok(service("web", self.port, "tcp", &backends) + "\n" + &self.tickets(tickets)?)
    }

    /// The ring without its service `web`; `tickets` are further lines of its table.
    ///
    /// # Errors
    /// When the balancer has no address.
    pub fn tickets(&self, tickets: &str) -> Result<String> {
        let certificates = self.certificates();
        let file = |name: &str| certificates.join(name);
        Ok(format!(
            "[tickets]\nlisten = \"{}\"\ncertificate = {:?}\nkey = {:?}\nclient-ca = {:?}\nfolder = {:?}\n{tickets}\n\
             [[tickets.ring]]\nname = \"{RING}\"\nservices = [\"web\"]\nidentity = \"{HOST}\"\n{}\n",
            SocketAddr::from((self.balancer()?, RINGS)),
            file("agent.pem"),
            file("agent.key"),
            file("ca.pem"),
            self.memory.path(),
            self.settings,
        ))
    }

    /// Has the agent follow a configuration with these further lines in its table of tickets.
    ///
    /// # Errors
    /// When it does not.
    pub fn apply(&self, tickets: &str) -> Result<()> {
        let text = configuration(self.scene.site(), ON_ETH0, &self.services(tickets)?);
        let request = ApplyRequest { path: None, text: Some(text), force: true };
        wait(self.agent()?.control().apply(&request))??;
        Ok(())
    }

    /// Starts the client of a back-end once more.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start_client(&mut self, node: usize) -> Result<()> {
        self.nodes[node].start_client(&self.scene)
    }

    /// How the ring stands.
    ///
    /// # Errors
    /// When the agent does not answer, or has no ring.
    pub fn status(&self) -> Result<RingStatus> {
        let mut rings = wait(self.agent()?.control().tickets())??;
        ensure!(rings.len() == 1, "{rings:?}");
        Ok(rings.remove(0))
    }

    /// The back-ends.
    pub fn nodes(&mut self) -> &mut [TicketNode] {
        &mut self.nodes
    }

    /// What clients connect to.
    pub fn vip(&self) -> SocketAddr {
        (VIP, self.port).into()
    }

    /// The certificate that the servers show.
    pub fn certificate(&self) -> &Path {
        &self.identity.certificate
    }

    /// The scene.
    pub fn scene(&self) -> &Scene {
        &self.scene
    }

    /// Where the agent keeps its rings.
    pub fn memory(&self) -> &Path {
        self.memory.path()
    }

    /// The folder of the authority.
    pub fn certificates(&self) -> PathBuf {
        self.scene.site().run_folder().join("certificates")
    }

    fn balancer(&self) -> Result<Ipv4Addr> {
        Node::Balancer.address().context("the balancer has an address")
    }

    fn certify(&self) -> Result<()> {
        let (folder, balancer) = (self.certificates(), self.balancer()?.to_string());
        let folder = folder.to_str().context("a path of text")?;
        run(&["tickets", "init-ca", "--folder", folder, "--agent", "lb-1", "--address", &balancer])?;
        let url = format!("https://{balancer}:{RINGS}");
        for (node, _) in (1..=self.servers).map(named) {
            let output = format!("{folder}/{node}");
            run(&["tickets", "enroll", &node, "--folder", folder, "--agent-url", &url, "--output", &output])?;
        }
        Ok(())
    }
}

/// Name and address of a server.
fn named(number: u8) -> (String, String) {
    (format!("server-{number}"), format!("198.18.1.{number}"))
}

impl TicketNode {
    fn install(cluster: &TicketCluster, kind: Kind, number: u8) -> Result<Self> {
        let (node, memory) = (Node::Server(number), Tmpfs::mount("size=64k")?);
        let folder = cluster.certificates().join(format!("server-{number}"));
        let place = Place {
            namespace: cluster.scene.namespace(node),
            address: (Ipv4Addr::UNSPECIFIED, PORT).into(),
            identity: cluster.identity.clone(),
            tickets: memory.path().to_owned(),
            folder: cluster.scene.site().run_folder().join(format!("web-{number}")),
        };
        let server = WebServer::install(kind, place)?;
        fs::write(folder.join("tickets.toml"), cluster.client_text(&folder)? + &server.ring(RING))?;
        Ok(Self { server, client: None, former_log: 0, folder, node, memory })
    }

    /// Starts the client that fetches the keys.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start_client(&mut self, scene: &Scene) -> Result<()> {
        let log = File::options().create(true).append(true).open(self.folder.join("pull.log"))?;
        self.former_log = log.metadata()?.len().try_into()?;
        let mut command = Command::new(program());
        command.args(["tickets", "pull", "--config"]).arg(self.folder.join("tickets.toml"));
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        self.client = Some(scene.namespace(self.node).run(|| command.spawn())??);
        Ok(())
    }

    /// Tells the client something.
    ///
    /// # Errors
    /// When it is not running.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        Ok(kill(Pid::from_raw(self.pid()?.try_into()?), signal)?)
    }

    /// Number of the client's process.
    ///
    /// # Errors
    /// When it is not running.
    pub fn pid(&self) -> Result<u32> {
        Ok(self.client.as_ref().context("the client is running")?.id())
    }

    /// Kills the client.
    ///
    /// # Errors
    /// When it is not running.
    pub fn kill_client(&mut self) -> Result<()> {
        let mut client = self.client.take().context("the client is running")?;
        client.kill()?;
        client.wait()?;
        Ok(())
    }

    /// What the client has said since it was started.
    ///
    /// # Errors
    /// When it has not been started.
    pub fn log(&self) -> Result<String> {
        Ok(fs::read_to_string(self.folder.join("pull.log"))?.split_off(self.former_log))
    }

    /// The web server.
    pub fn server(&mut self) -> &mut WebServer {
        &mut self.server
    }

    /// Where clients reach the server itself.
    ///
    /// # Errors
    /// Never: servers have addresses.
    pub fn address(&self) -> Result<SocketAddr> {
        Ok((self.node.address().context("servers have addresses")?, PORT).into())
    }

    /// The folder of its keys.
    pub fn memory(&self) -> &Path {
        self.memory.path()
    }

    /// The folder of its certificate and its log.
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

impl Drop for TicketNode {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.kill_client();
    }
}

fn server_kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Nginx => "nginx",
        Kind::HaProxy => "haproxy",
        Kind::Apache => "apache",
    }
}

fn run(args: &[&str]) -> Result<()> {
    let outcome = outcome(&mut handoff(args))?;
    ensure!(outcome.code == Some(0), "handoff {}: {outcome:?}", args.join(" "));
    Ok(())
}
