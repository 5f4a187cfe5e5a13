//! A small agent over maps in memory, for tests of what it answers.

use super::core::{Core, Now};
use super::explain::packet;
use super::store::Store;
use crate::config::{Config, Protocol};
use crate::control::Question;
use crate::control::types::ExplainRequest;
use crate::dataplane::memory::MemoryDataplane;
use crate::network::{Link, Network, XdpAttachment};
use lb_common::wire::Mac;
use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};
use std::time::Instant;
use tempfile::TempDir;
use tokio::sync::oneshot;

/// A web service of two back-ends that denies one client, and DNS.
const SERVICES: &str = r#"
[agent]
interfaces = ["eth0"]

[flow-table]
flows = 4096

[[service]]
name = "web"
vip = "192.0.2.10"
port = 443
deny = ["203.0.113.66"]
backends = [
    { name = "server-1", address = "10.0.0.1", mac = "02:00:00:00:00:01", interface = "eth0" },
    { name = "server-2", address = "10.0.0.2", mac = "02:00:00:00:00:02", interface = "eth0" },
]

[[service]]
name = "dns"
vip = "192.0.2.10"
port = 53
protocol = "udp"
one-packet = true
backends = [{ name = "dns-1", address = "10.0.0.1", mac = "02:00:00:00:00:01", interface = "eth0" }]
"#;

/// An agent with [`SERVICES`], and nothing remembered.
pub(super) fn agent() -> Agent {
    let link = Link {
        ifindex: 1,
        name: "eth0".to_owned(),
        mac: MAC,
        up: true,
        mtu: 1_500,
        vlan: None,
        xdp: XdpAttachment::None,
    };
    let network = Network { links: [(1, link)].into(), ..Network::default() };
    let mut config = Config::parse(Path::new("test"), SERVICES).expect("a configuration");
    let folder = tempfile::tempdir().expect("a folder");
    config.state_folder = folder.path().to_owned();
    let store = Store::open(folder.path()).expect("a store");
    let mut core = Core::new(PathBuf::new(), config, MemoryDataplane::new(1 << 10), store).expect("maps");
    core.start(&network, Now { ticks: 0, instant: Instant::now() }).expect("there is room");
    Agent { core, _folder: folder }
}

/// An agent with a folder of its own.
pub(super) struct Agent {
    core: Core<MemoryDataplane>,
    _folder: TempDir,
}

impl Deref for Agent {
    type Target = Core<MemoryDataplane>;

    fn deref(&self) -> &Self::Target {
        &self.core
    }
}

impl DerefMut for Agent {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.core
    }
}

/// A packet.
pub(super) fn question(client: &str, vip: &str, protocol: Protocol, flags: Option<&str>) -> ExplainRequest {
    ExplainRequest {
        client: client.parse().unwrap(),
        vip: vip.parse().unwrap(),
        protocol,
        flags: flags.map(|flags| flags.parse().unwrap()),
    }
}

/// Ethernet address of the balancer.
const MAC: Mac = Mac::new([2, 0, 0, 0, 0, 2]);

/// Has the packet arrive.
pub(super) fn send(core: &mut Core<MemoryDataplane>, question: &ExplainRequest) {
    let mut frame = packet::frame(question, MAC).expect("a packet");
    core.dataplane().run(&mut frame);
}

/// What the agent answers.
pub(super) fn ask<T>(core: &mut Core<MemoryDataplane>, query: impl FnOnce(oneshot::Sender<T>) -> Question) -> T {
    let (sender, mut answer) = oneshot::channel();
    core.answer(query(sender));
    answer.try_recv().expect("an answer")
}
