use super::janitor::Janitor;
use super::load::Memory;
use super::lock::Lock;
use super::topology::SERVICE;
use super::{Agent, Dashboard, Error, Load, LoadOptions, Node, Policy, Server, Site, Tls, Topology};
use super::{peer, take_down};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::unistd::geteuid;
use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

/// A lab with everything in it but the agent and the load: what end-to-end tests begin with as well. Dropping it takes the whole
/// lab down; so does the end of the process, whatever ends it.
#[derive(Debug)]
pub struct Stage {
    site: Site,
    topology: Topology,
    tls: Tls,
    servers: Vec<Server>,
    dashboard: Dashboard,
    handoff: PathBuf,
    removed_leftovers: bool,
    // The last one to be dropped: everything else is gone by then.
    janitor: Janitor,
}

impl Stage {
    /// Makes the network with its servers, after removing what an earlier lab at this place left behind. `handoff` is the program
    /// to run as agent and janitor.
    ///
    /// # Errors
    /// When another lab is there, a part cannot be made, or the process is not root's; nothing is left then.
    pub fn set_up(site: &Site, servers: u8, handoff: &Path) -> Result<Self, Error> {
        if !geteuid().is_root() {
            return Err(Error::NotRoot);
        }
        lift_file_limit()?;
        let lock = Lock::take(site)?;
        let removed_leftovers = take_down::is_there(site);
        if removed_leftovers {
            take_down::take_down(site)?;
        }
        let janitor = Janitor::start(site, handoff, lock)?;
        fs::create_dir(site.run_folder()).map_err(Error::file(site.run_folder()))?;
        let topology = Topology::create(site, servers)?;
        let tls = Tls::new(IpAddr::V4(*SERVICE.ip()))?;
        let start = |node: Node| Server::start(&topology.namespace(node), &node.to_string(), tls.server.clone());
        let servers = topology.servers().map(start).collect::<Result<_, _>>()?;
        let dashboard = Dashboard::listen(site)?;
        let (site, handoff) = (site.clone(), handoff.to_owned());
        Ok(Self { site, topology, tls, servers, dashboard, handoff, removed_leftovers, janitor })
    }

    /// Whether an earlier lab had left something behind.
    pub fn removed_leftovers(&self) -> bool {
        self.removed_leftovers
    }

    /// Where the lab is.
    pub fn site(&self) -> &Site {
        &self.site
    }

    /// The network.
    pub fn topology(&self) -> &Topology {
        &self.topology
    }

    /// The agent's dashboard.
    pub fn dashboard(&self) -> &Dashboard {
        &self.dashboard
    }

    /// The servers, in the order of their numbers.
    pub fn servers(&self) -> &[Server] {
        &self.servers
    }

    /// Starts the agent, which hands out new flows by `policy`, and waits until every back-end gets some.
    ///
    /// # Errors
    /// When it cannot be started or does not get ready.
    pub async fn start_agent(&self, policy: &Policy) -> Result<Agent, Error> {
        let mut agent = Agent::start(&self.site, &self.topology, policy, &self.dashboard, &self.handoff)?;
        agent.ready().await?;
        Ok(agent)
    }

    /// Starts to send requests from the client to the VIP.
    ///
    /// # Errors
    /// When the system has no thread left.
    pub fn start_load(&self, options: LoadOptions) -> Result<Load, Error> {
        self.start_load_with(Memory::none(self.tls.client.clone()), options)
    }

    /// The same, from clients with `memory` for their sessions.
    ///
    /// # Errors
    /// When the system has no thread left.
    pub fn start_load_with(&self, memory: Memory, options: LoadOptions) -> Result<Load, Error> {
        Load::start(self.topology.namespace(Node::Client), SocketAddr::V4(SERVICE), memory, options)
    }

    /// Prepares the switch's end of the balancer's link for what XDP sends back, as setting up does, after that was undone.
    ///
    /// # Errors
    /// When it has an XDP program, or cannot get one.
    pub fn prepare_peer(&self) -> Result<(), Error> {
        peer::prepare(&self.site)
    }

    /// Takes the lab down, as dropping it does, and says whether that worked.
    ///
    /// # Errors
    /// When something cannot be removed.
    pub fn take_down(mut self) -> Result<(), Error> {
        self.servers.clear();
        self.janitor.finish()
    }
}

/// Both ends of every connection are files of this process, and the usual limit is for programs that use `select`.
fn lift_file_limit() -> Result<(), Error> {
    let lifted =
        getrlimit(Resource::RLIMIT_NOFILE).and_then(|(_, most)| setrlimit(Resource::RLIMIT_NOFILE, most, most));
    lifted.map_err(|error| Error::process("cannot lift the limit of open files")(error.into()))
}
