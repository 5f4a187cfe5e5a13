mod changes;
mod damage;
mod room;
mod standings;

use super::Error;
use super::change::Proposal;
use super::core::{Core, Now};
use super::store::Store;
use crate::config::Config;
use crate::control::types::{BackendState, OverrideRequest, Verb};
use crate::dataplane::Dataplane;
use crate::dataplane::memory::MemoryDataplane;
use crate::network::{Link, Network, XdpAttachment};
use crate::state::Observed;
use lb_common::wire::Mac;
use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tempfile::TempDir;

impl From<Infallible> for Error {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

/// An agent over maps in memory, and a folder of its own.
struct Agent {
    core: Core<MemoryDataplane>,
    start: Instant,
    folder: TempDir,
}

impl Agent {
    fn start(config: Config) -> Self {
        let mut agent = Self::new(config, MemoryDataplane::new(1 << 10));
        agent.core.start(&network(), agent.at(0)).expect("there is room");
        agent
    }

    fn new(config: Config, dataplane: MemoryDataplane) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(&folder.path().join("state")).expect("a store");
        let path = folder.path().join("handoff.toml");
        let core = Core::new(path, config, dataplane, store).expect("maps");
        Self { core, start: Instant::now(), folder }
    }

    /// So many seconds after the start.
    fn at(&self, seconds: u64) -> Now {
        let ticks = self.core.dataplane.now();
        Now { ticks, instant: self.start + Duration::from_secs(seconds) }
    }

    fn observed(&self) -> Observed {
        let Ok(observed) = self.core.dataplane.observe();
        observed
    }

    /// How often each back-end is on the ring of the first service, by the last byte of its address.
    fn ring(&self) -> Vec<(u8, usize)> {
        let observed = self.observed();
        let Some(service) = observed.services.values().next() else { return Vec::new() };
        let mut shares = std::collections::BTreeMap::new();
        for slot in &service.ring {
            let last = observed.backends[slot].address.octets()[15];
            *shares.entry(last).or_default() += 1;
        }
        shares.into_iter().collect()
    }

    fn state(&self, backend: &str) -> BackendState {
        let config = self.core.config();
        let (service, backend) = config
            .services
            .iter()
            .find_map(|service| Some((service, service.backends.iter().find(|it| it.name == backend)?)))
            .expect("a back-end");
        self.core.known.standings.get(service, backend).state
    }
}

fn say(backend: &str, verb: Verb) -> OverrideRequest {
    OverrideRequest { service: None, backend: backend.to_owned(), verb, force: false }
}

/// What a file of the agent's own folder proposes.
fn proposal(agent: &Agent, text: String) -> Proposal {
    Proposal::parse(&agent.folder.path().join("new.toml"), text).expect("a configuration")
}

/// The configuration with these services.
fn config(services: &str) -> Config {
    Config::parse(Path::new("test"), &text(services)).expect("a configuration")
}

fn text(services: &str) -> String {
    format!("[agent]\ninterfaces = [\"eth0\"]\n{services}")
}

/// A service with back-ends at addresses that end in these numbers, with the lines `more`.
fn service(name: &str, port: u16, more: &str, backends: &[u8]) -> String {
    let backend = |number: &u8| {
        format!(
            "{{ name = \"b{number}\", address = \"10.0.0.{number}\", mac = \"02:00:00:00:00:01\", interface = \"eth0\" }},"
        )
    };
    let backends: String = backends.iter().map(backend).collect();
    format!("[[service]]\nname = \"{name}\"\nvip = \"192.0.2.1\"\nport = {port}\n{more}\nbackends = [{backends}]\n")
}

fn network() -> Network {
    let link = Link {
        ifindex: 2,
        name: "eth0".to_owned(),
        mac: Mac::new([2, 0, 0, 0, 0, 2]),
        up: true,
        mtu: 1_500,
        vlan: None,
        xdp: XdpAttachment::None,
    };
    Network { links: [(2, link)].into(), ..Network::default() }
}
