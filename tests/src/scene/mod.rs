//! The scene of an end-to-end test: the lab's network and servers, with whatever agent and traffic the test is about.
//!
//! | module | what it holds |
//! |---|---|
//! | `backend`, `decap` | one of the servers as a back-end of its own; the `handoff decap` there |
//! | `bird` | the routing daemon |
//! | `cluster`, `mode` | all of them as back-ends, for every way in which packets get to one |
//! | `router` | a router in front of the client |
//! | `program`, `other_release` | the program under test, and how a run of it ended; the same with another XDP program in it |
//! | `held` | connections that stay open while something else happens |
//! | `service` | the agent as systemd starts it |
//! | `configuration` | what its agent is told |
//! | `pki`, `malformed` | certificates for its API, and requests that it should not take |
//! | `secrets`, `memory` | looking for secrets in files, and in the memory of a process |
//! | `responder` | servers besides the lab's, which speak plain TCP and UDP |
//! | `etcd` | the store that agents meet in |
//! | `exchange`, `content` | the same, and their clients: whatever gets lost or damaged on the way is noticed |
//! | `flood` | connections that nobody means to have |
//! | `tls_client`, `openssl_client` | clients that resume their sessions |
//! | `terminal` | a terminal, and a shell in it |
//! | `strays` | packets that the balancer drops |
//! | `tap` | what an XDP program leaves to the network stack |
//! | `ticket_cluster` | web servers behind the VIP that share their ticket keys |
//! | `tmpfs`, `web_server` | nginx, HAProxy and Apache, and the folders of their ticket keys |
//! | `visitors` | clients that come one after the other, whatever becomes of those before |
//! | `times` | how long things took |
//! | `eventually` | waiting for what does not happen at once |

mod backend;
mod bird;
mod cluster;
mod configuration;
mod content;
mod decap;
mod etcd;
mod eventually;
mod exchange;
mod flood;
mod held;
mod http;
mod malformed;
mod memory;
mod mode;
mod openssl_client;
mod other_release;
mod pki;
mod program;
mod responder;
mod router;
mod secrets;
mod service;
mod strays;
mod tap;
mod terminal;
mod ticket_cluster;
mod times;
mod tls_client;
mod tmpfs;
mod visitors;
pub mod web_server;

pub use backend::{Backend, VIPS};
pub use bird::Bird;
pub use cluster::{Cluster, SERVERS};
pub use configuration::{configuration, service};
pub use decap::Decap;
pub use etcd::Etcd;
pub use eventually::eventually;
pub use exchange::{echo, exchange};
pub use flood::flood;
pub use held::Held;
pub use http::{http, http_status, send_all};
pub use malformed::Malformed;
pub use memory::secrets_in_memory;
pub use mode::Mode;
pub use openssl_client::OpensslClient;
pub use other_release::other_release;
pub use pki::Pki;
pub use program::{Outcome, as_nobody, handoff, outcome, program};
pub use responder::Responder;
pub use secrets::Secrets;
pub use service::{Service, Started};
pub use strays::Strays;
pub use tap::Tap;
pub use terminal::Terminal;
pub use ticket_cluster::{HOST, RING, TicketCluster, TicketNode};
pub use times::Times;
pub use tls_client::TlsClient;
pub use tmpfs::Tmpfs;
pub use visitors::{Visit, Visitors};
pub use web_server::WebServer;

use anyhow::{Context, Result, ensure};
use lb_user::control::types::{BackendStatus, ServiceStatus, VerdictCounter};
use lb_user::lab::topology::SERVICE;
use lb_user::lab::{Agent, Load, LoadOptions, Namespace, Node, Policy, Server, Site, Stage};
use serde::Deserialize;
use std::fs;
use std::future::Future;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

/// The lines of the agent's table that every configuration needs.
pub const ON_ETH0: &str = "interfaces = [\"eth0\"]";

/// A stage, and what tests do on it. Everything is taken down when it is dropped, and when the tests are killed.
#[derive(Debug)]
pub struct Scene {
    stage: Stage,
}

impl Scene {
    /// Makes the network and its servers. Each test has a name of its own.
    ///
    /// # Errors
    /// When a part of it cannot be made.
    pub fn set(name: &str, servers: u8) -> Result<Self> {
        let stage = Stage::set_up(&Site::named(&format!("test-{name}"))?, servers, &program())?;
        Ok(Self { stage })
    }

    /// The stage itself.
    pub fn stage(&self) -> &Stage {
        &self.stage
    }

    /// Where it is.
    pub fn site(&self) -> &Site {
        self.stage.site()
    }

    /// Namespace of `node`.
    pub fn namespace(&self, node: Node) -> Namespace {
        self.site().namespace(node)
    }

    /// Starts an agent with the lab's configuration, and waits until every back-end gets new flows.
    ///
    /// # Errors
    /// When it does not get ready.
    pub fn start_agent(&self) -> Result<Agent> {
        Ok(wait(self.stage.start_agent(&Policy::DEFAULT))??)
    }

    /// Starts an agent with the lines `agent` in its first table and with `services`, and waits until every back-end gets new
    /// flows.
    ///
    /// # Errors
    /// When it does not get ready.
    pub fn start_agent_with(&self, agent: &str, services: &str) -> Result<Agent> {
        self.start_agent_of(&program(), agent, services)
    }

    /// As [`Scene::start_agent_with`], but starts the agent in the file `program`.
    ///
    /// # Errors
    /// When it does not get ready.
    pub fn start_agent_of(&self, program: &Path, agent: &str, services: &str) -> Result<Agent> {
        let configuration = configuration(self.site(), agent, services);
        let mut agent = Agent::start_with(&configuration, self.site(), program)?;
        wait(agent.ready())??;
        Ok(agent)
    }

    /// Starts to send requests to the lab's service, `rate` in a second.
    ///
    /// # Errors
    /// When the system has no thread left.
    pub fn start_load(&self, rate: u32) -> Result<Load> {
        Ok(self.stage.start_load(LoadOptions { rate, connections: 64, ..LoadOptions::DEFAULT })?)
    }

    /// Sends requests for a second.
    ///
    /// # Errors
    /// When one of them fails.
    pub fn requests_succeed(&self) -> Result<()> {
        let load = self.start_load(100)?;
        thread::sleep(Duration::from_secs(1));
        all_succeeded(load)
    }

    /// Connections that each server has accepted.
    pub fn connections(&self) -> Vec<u64> {
        self.stage.servers().iter().map(Server::connections).collect()
    }

    /// Connects from the client to `address`.
    ///
    /// # Errors
    /// When nobody answers within a second.
    pub fn connect(&self, address: impl Into<SocketAddr>) -> Result<TcpStream> {
        let (address, patience) = (address.into(), Duration::from_secs(1));
        Ok(self.namespace(Node::Client).run(|| TcpStream::connect_timeout(&address, patience))??)
    }

    /// Whether the lab's service takes connections.
    pub fn is_served(&self) -> bool {
        self.connect(SERVICE).is_ok()
    }

    /// Runs `ip` with the words of `command` at `node`.
    ///
    /// # Errors
    /// When it fails.
    pub fn ip(&self, node: Node, command: &str) -> Result<String> {
        let mut ip = Command::new("ip");
        ip.arg("-netns").arg(self.namespace(node).name()).args(command.split_whitespace());
        let outcome = outcome(&mut ip)?;
        ensure!(outcome.code == Some(0), "ip {command}: {outcome:?}");
        Ok(outcome.stdout)
    }

    /// Writes a setting of the network stack of `node`.
    ///
    /// # Errors
    /// When there is none of this name.
    pub fn write(&self, node: Node, key: &str, value: &str) -> Result<()> {
        let path = format!("/proc/sys/net/{key}");
        self.namespace(node).run(|| fs::write(&path, value))?.with_context(|| path.clone())
    }

    /// The XDP program that is attached to an interface of the balancer.
    ///
    /// # Errors
    /// When there is no such interface.
    pub fn attached(&self, interface: &str) -> Result<Option<Attached>> {
        let json = self.ip(Node::Balancer, &format!("-json link show dev {interface}"))?;
        let [link]: [Link; 1] = serde_json::from_str(&json)?;
        Ok(link.xdp.map(|xdp| Attached { program: xdp.prog.id, tag: xdp.prog.tag, is_native: xdp.mode == 1 }))
    }

    /// Runs `command` in the namespace of the balancer.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn at_balancer(&self, command: &mut Command) -> Result<Outcome> {
        Ok(self.namespace(Node::Balancer).run(|| outcome(command))??)
    }

    /// Runs `handoff <subcommand> --config <file>` at the balancer.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn run(&self, subcommand: &str, file: &Path) -> Result<Outcome> {
        self.at_balancer(handoff(&[subcommand, "--config"]).arg(file))
    }

    /// Runs `handoff` with the words of `command` for the scene's agent.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn ask(&self, command: &str) -> Result<Outcome> {
        let words: Vec<&str> = command.split_whitespace().collect();
        Ok(outcome(handoff(&words).arg("--socket").arg(self.site().control_socket()))?)
    }

    /// Runs `handoff stop` for the scene's agent, with these arguments as well.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn stop(&self, args: &[&str]) -> Result<Outcome> {
        let socket = self.site().control_socket();
        Ok(outcome(handoff(&["stop"]).arg("--socket").arg(socket).args(args))?)
    }

    /// Runs `handoff stop --purge` for the scene's agent or its pins.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn purge(&self) -> Result<Outcome> {
        let pins = self.site().pin_folder(Node::Balancer);
        self.stop(&["--purge", "--pin-folder", pins.to_str().context("the name of a lab is ASCII")?])
    }
}

/// An XDP program at an interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attached {
    /// The kernel's number of the program.
    pub program: u32,
    /// Digest of its instructions.
    pub tag: String,
    /// Whether it runs in the driver.
    pub is_native: bool,
}

/// What the agent says of its back-ends, in the order of its configuration.
///
/// # Errors
/// When it does not answer.
pub fn backends(agent: &Agent) -> Result<Vec<BackendStatus>> {
    Ok(wait(agent.control().backends())??)
}

/// Packets with the verdict that is called `reason`.
///
/// # Errors
/// When the agent does not answer, or knows no such verdict.
pub fn packets(agent: &Agent, reason: &str) -> Result<u64> {
    let verdict = verdicts(agent)?.into_iter().find(|verdict| verdict.reason == reason);
    Ok(verdict.with_context(|| format!("no verdict is called {reason}"))?.packets)
}

/// What became of packets, by verdict.
///
/// # Errors
/// When the agent does not answer.
pub fn verdicts(agent: &Agent) -> Result<Vec<VerdictCounter>> {
    Ok(wait(agent.control().counters())??)
}

/// What the agent says of its services, in the order of its configuration.
///
/// # Errors
/// When it does not answer.
pub fn services(agent: &Agent) -> Result<Vec<ServiceStatus>> {
    Ok(wait(agent.control().services())??)
}

/// Ends the load, and looks at what became of its requests.
///
/// # Errors
/// When one has failed, or there was none.
pub fn all_succeeded(load: Load) -> Result<()> {
    let tally = load.finish()?;
    ensure!(tally.ok > 0 && tally.failed() == 0, "requests failed: {tally:?}");
    Ok(())
}

/// Waits for an answer, on this thread.
///
/// # Errors
/// When the system has no resources left for it.
pub fn wait<T>(answer: impl Future<Output = T>) -> Result<T> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(answer))
}

/// What `ip` prints, as far as it matters here.
#[derive(Deserialize)]
struct Link {
    xdp: Option<Xdp>,
}

#[derive(Deserialize)]
struct Xdp {
    /// 1 is native, 2 is generic (`XDP_ATTACHED_DRV`, `XDP_ATTACHED_SKB`).
    mode: u32,
    prog: Program,
}

#[derive(Deserialize)]
struct Program {
    id: u32,
    tag: String,
}
