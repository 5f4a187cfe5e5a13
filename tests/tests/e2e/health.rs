//! Health checks by way of the VIP: a back-end that clients' packets do not get to is not healthy, whatever it answers at its own address.

use anyhow::{Context, Result, ensure};
use lb_tests::scene::{Cluster, Mode, ON_ETH0, SERVERS, Scene, configuration, eventually, service};
use lb_user::agent::probe_targets;
use lb_user::bpf::ProbeWay;
use lb_user::config::Config;
use lb_user::health::{Health, Outcome, Prober, State, Transition};
use lb_user::lab::Node;
use lb_user::lab::topology::SERVICE;
use lb_user::network::{Monitor, Network};
use std::collections::{BTreeMap, BTreeSet};
use std::net::UdpSocket;
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;

/// The server that is broken.
const BROKEN: u8 = 2;

#[test]
fn l2_dsr() -> Result<()> {
    what_clients_need_is_checked("l2-dsr")
}

#[test]
fn ipip() -> Result<()> {
    what_clients_need_is_checked("ipip")
}

#[test]
fn gue() -> Result<()> {
    what_clients_need_is_checked("gue")
}

fn what_clients_need_is_checked(forwarding: &str) -> Result<()> {
    // The probe's socket is of the back-end's family.
    let is_checked = |mode: &Mode| {
        let own = mode.address_of(Node::Server(1));
        mode.forwarding() == forwarding && own.is_some_and(|own| own.is_ipv4() == mode.vip().is_ipv4())
    };
    let modes: Vec<_> = Mode::all().filter(is_checked).collect();
    let mut cluster = Cluster::set(&format!("health-{forwarding}"), &modes)?;
    let balancer = cluster.scene().namespace(Node::Balancer);
    balancer.run(|| {
        let mut checks = Checks::of(&cluster, "vip")?;
        checks.come_to("all are healthy", |_| true)?;
        cluster.stop_decap(BROKEN)?;
        let broken = Node::Server(BROKEN).to_string();
        checks.come_to("the broken one is found", |server| server != broken)?;
        let error = checks.error_of(&broken)?;
        ensure!(error == "no answer within 1s", "{error}");

        // There the server answers all the time.
        let mut by_address = Checks::of(&cluster, "address")?;
        by_address.come_to("all have their own addresses", |_| true)?;
        checks.come_to("it is still broken", |server| server != broken)?;

        cluster.restart_decap(BROKEN)?;
        checks.come_to("all are healthy again", |_| true)
    })?
}

#[test]
fn a_silent_server_is_found_and_comes_back() -> Result<()> {
    let scene = Scene::set("health-silent", SERVERS)?;
    let backends: Vec<_> =
        scene.stage().topology().servers().map(|node| (node.to_string(), own_address(node))).collect();
    let backends: Vec<_> = backends.iter().map(|(name, address)| (name.as_str(), address.as_str())).collect();
    let health =
        "health = { type = \"https\", via = \"vip\", path = \"/bytes/9000\", body = \"server\", insecure = true }\n";
    let services = service("web", SERVICE.port(), "tcp", &backends) + health;
    let text = configuration(scene.site(), ON_ETH0, &services);
    let config = Config::parse(Path::new("health.toml"), &text)?;
    scene.namespace(Node::Balancer).run(|| {
        let mut checks = Checks::start(&config)?;
        checks.come_to("all are healthy", |_| true)?;
        let (node, check) = (Node::Server(BROKEN), config.services[0].health.as_ref().context("a check")?);
        let mut health = Health::new(check.rise, check.fall);

        let start = Instant::now();
        scene.ip(node, "link set eth0 down")?;
        let error = checks.next_verdict(&mut health, &node.to_string(), State::Down)?.error;
        let took = start.elapsed();
        println!("silent after {took:?}");
        assert_eq!(error.as_deref(), Some("no answer within 250ms"));
        // By far less than a second on a machine that has nothing else to do.
        ensure!(took < Duration::from_secs(2), "{took:?}");

        scene.ip(node, "link set eth0 up")?;
        checks.next_verdict(&mut health, &node.to_string(), State::Up)?;
        println!("back after {:?}", start.elapsed() - took);
        checks.come_to("all are healthy again", |_| true)
    })?
}

fn own_address(node: Node) -> String {
    node.address().map_or_else(String::new, |address| address.to_string())
}

/// Checks of all servers, from the balancer.
struct Checks {
    outcomes: mpsc::Receiver<Outcome>,
    /// The last outcome of each, by service and server.
    latest: BTreeMap<(String, String), Result<Duration, String>>,
    targets: usize,
    _prober: Prober,
    _way: ProbeWay,
    _runtime: Runtime,
}

impl Checks {
    /// Starts them, by way of the VIP or of the own address: then without UDP, which the servers speak at the VIP alone. The calling
    /// thread is in the balancer's namespace.
    fn of(cluster: &Cluster, via: &str) -> Result<Self> {
        let check =
            |kind: &str| format!("health = {{ {kind}, via = \"{via}\", interval = \"100ms\", timeout = \"1s\" }}\n");
        let services = cluster.services(|protocol| match protocol {
            "tcp" => check("type = \"tcp\""),
            _ if via == "vip" => check("type = \"udp\", send = \"ping\""),
            _ => String::new(),
        });
        let text = configuration(cluster.scene().site(), ON_ETH0, &services);
        Self::start(&Config::parse(Path::new("health.toml"), &text)?)
    }

    /// Starts the checks of a configuration.
    fn start(config: &Config) -> Result<Self> {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let _inside = runtime.enter();
        let (sender, outcomes) = mpsc::channel(100);
        let mut prober = Prober::new(sender);
        prober.follow(config);
        let mut way = ProbeWay::load()?;
        let network = runtime.block_on(known(config))?;
        let needed = probe_targets(config, &network, prober.marks());
        ensure!(needed.targets.len() == prober.marks().len(), "some have no way: {needed:?}");
        way.set_targets(&needed.targets)?;
        way.attach_to(needed.links.into_values())?;
        let checked = config.services.iter().filter(|service| service.health.is_some());
        let targets = checked.map(|service| service.backends.len()).sum();
        Ok(Self { outcomes, latest: BTreeMap::new(), targets, _prober: prober, _way: way, _runtime: runtime })
    }

    /// Waits until those servers are healthy, in all services, that should be, and no others.
    fn come_to(&mut self, what: &str, is_healthy: impl Fn(&str) -> bool) -> Result<()> {
        // What comes from here on counts.
        self.latest.clear();
        eventually(what, || {
            while let Ok(Outcome { target, result }) = self.outcomes.try_recv() {
                self.latest.insert((target.service, target.backend), result);
            }
            let is_as_it_should_be =
                |((_, server), result): (&(String, String), &Result<_, _>)| result.is_ok() == is_healthy(server);
            Ok(self.latest.len() == self.targets && self.latest.iter().all(is_as_it_should_be))
        })
        .with_context(|| format!("{:#?}", self.latest))
    }

    /// Waits for the next verdict on a server, which must be this one.
    fn next_verdict(&mut self, health: &mut Health, server: &str, expected: State) -> Result<Transition> {
        loop {
            let outcome = self.outcomes.blocking_recv().context("the prober has ended")?;
            if outcome.target.backend != server {
                continue;
            }
            match health.observe(&outcome, Instant::now()) {
                // The first one of all, before anything happened.
                Some(Transition { from: State::Unknown, to: State::Up, .. }) | None => {}
                Some(transition) => {
                    ensure!(transition.to == expected, "{transition:?}");
                    return Ok(transition);
                }
            }
        }
    }

    /// What is wrong with a server, which is the same in all services.
    fn error_of(&self, server: &str) -> Result<String> {
        let of_server = self.latest.iter().filter(|((_, name), _)| name == server);
        let errors: BTreeSet<_> = of_server.filter_map(|(_, result)| result.clone().err()).collect();
        ensure!(errors.len() == 1, "{errors:?}");
        errors.into_iter().next().context("one")
    }
}

/// The network, as soon as the Ethernet addresses of all servers are known.
async fn known(config: &Config) -> Result<Network> {
    let mut monitor = Monitor::start().await?;
    loop {
        for address in config.addresses() {
            let any = if address.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
            UdpSocket::bind(any)?.send_to(b"who is there?", (address, 9))?;
        }
        let network = monitor.snapshot(&BTreeSet::new()).await?;
        let resolved = network.neighbours.iter().filter(|(_, neighbour)| neighbour.mac.is_some());
        let resolved: BTreeSet<_> = resolved.map(|((_, address), _)| *address).collect();
        if config.addresses().is_subset(&resolved) {
            return Ok(network);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
