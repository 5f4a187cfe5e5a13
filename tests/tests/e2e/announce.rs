//! VIPs that are announced: by a real BIRD to a real peer, and to the neighbours on a segment.

use anyhow::{Context, Result, ensure};
use lb_tests::scene::{Bird, ON_ETH0, Responder, Scene, configuration, eventually};
use lb_user::announce::{Announcer, Policy};
use lb_user::config::Config;
use lb_user::lab::Node;
use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Runtime};

const VIPS: [&str; 2] = ["192.0.2.10", "2001:db8::10"];
const PORT: u16 = 8000;

/// How long a change may take until it is the peer's route.
const SOON: Duration = Duration::from_secs(2);

#[test]
fn bird_has_its_peer_know_a_vip_for_as_long_as_back_ends_are_ready() -> Result<()> {
    let scene = Scene::set("bird", 1)?;
    scene.stage().topology().speak_ipv6()?;
    scene.ip(Node::Server(1), &format!("addr add {}/32 dev lo", VIPS[0]))?;
    let _server = Responder::tcp(&scene.namespace(Node::Server(1)), PORT, "server-1", 1)?;
    let folder = scene.site().run_folder();
    let start_balancer = || Bird::start(&scene.namespace(Node::Balancer), &folder, "balancer", &balancer(&folder));
    let bird = start_balancer()?;
    let _peer = Bird::start(&scene.namespace(Node::Client), &folder, "peer", &peer())?;

    let announce =
        format!("by = \"bird\"\nhold = \"500ms\"\nsocket = {:?}\nfile = {:?}", bird.socket(), folder.join("vips.conf"));
    let _agent = scene.start_agent_with(ON_ETH0, &services(""))?;
    let mut announcing = Announcing::of(&scene, &announce)?;
    announcing.follow(0)?;
    // The sessions take their time to begin with.
    announcing.follow(1)?;
    eventually("the peer has the routes", || {
        announcing.follow(1)?;
        is_known(&scene, VIPS)
    })?;
    let service: SocketAddr = (VIPS[0].parse::<IpAddr>()?, PORT).into();
    scene.connect(service).context("through the announced route")?;

    let died = Instant::now();
    announcing.follow(0)?;
    eventually("the peer has lost the routes", || Ok(!is_known(&scene, [VIPS[0]])? && !is_known(&scene, [VIPS[1]])?))?;
    ensure!(died.elapsed() < SOON, "withdrawn after {:?}", died.elapsed());
    ensure!(scene.connect(service).is_err(), "there is no route");

    let recovered = Instant::now();
    eventually("the peer has the routes again", || {
        announcing.follow(1)?;
        is_known(&scene, VIPS)
    })?;
    ensure!(recovered.elapsed() < SOON, "announced after {:?}", recovered.elapsed());

    // A BIRD that was started again knows by itself what is announced; in the meantime nobody hears of changes.
    drop(bird);
    announcing.follow(0)?;
    let error = announcing.announcer.status()[0].error.clone().context("it was withdrawn without BIRD")?;
    ensure!(error.contains("BIRD does not answer"), "{error}");
    announcing.follow(1)?;
    eventually("the policy holds", || {
        announcing.follow(1)?;
        Ok(fs::read_to_string(folder.join("vips.conf"))?.contains(VIPS[0]))
    })?;
    let _bird = start_balancer()?;
    eventually("the peer has the routes of the new BIRD", || is_known(&scene, VIPS))?;
    announcing.follow(1)?;
    ensure!(announcing.announcer.status().iter().all(|vip| vip.announced == Some(true)));
    announcing.withdraw_all()?;
    eventually("a drained balancer has no routes", || Ok(!is_known(&scene, [VIPS[0]])?))
}

#[test]
fn the_agent_withdraws_when_the_last_back_end_dies_and_announces_when_it_is_back() -> Result<()> {
    let scene = Scene::set("bird-agent", 1)?;
    scene.stage().topology().speak_ipv6()?;
    scene.ip(Node::Server(1), &format!("addr add {}/32 dev lo", VIPS[0]))?;
    let start_server = || Responder::tcp(&scene.namespace(Node::Server(1)), PORT, "server-1", 1);
    let server = start_server()?;
    let folder = scene.site().run_folder();
    let bird = Bird::start(&scene.namespace(Node::Balancer), &folder, "balancer", &balancer(&folder))?;
    let _peer = Bird::start(&scene.namespace(Node::Client), &folder, "peer", &peer())?;
    let announce = format!(
        "[announce]\nby = \"bird\"\nhold = \"500ms\"\ndrain-wait = \"1s\"\nsocket = {:?}\nfile = {:?}\n",
        bird.socket(),
        folder.join("vips.conf")
    );
    // The IPv6 server is checked where the IPv4 one listens: they live and die together.
    let health = format!("health = {{ type = \"tcp\", port = {PORT} }}\nall-down = \"open\"");
    let services = services(&health).replace(
        "port = 8000\nbackends = [{ name = \"server-1\", address = \"2001",
        "port = 8000\nannounce = false\nbackends = [{ name = \"server-1\", address = \"2001",
    );
    let configured = announce + &services;
    let agent = scene.start_agent_with(ON_ETH0, &configured)?;
    let is_known = || is_known(&scene, [VIPS[0]]);
    eventually("the peer has the route", is_known)?;

    agent.kill()?;
    let _agent = scene.start_agent_with(ON_ETH0, &configured)?;
    let taken_over = Instant::now();
    while taken_over.elapsed() < SOON {
        ensure!(is_known()?, "the next agent has withdrawn the route");
        sleep(Duration::from_millis(50));
    }
    let service: SocketAddr = (VIPS[0].parse::<IpAddr>()?, PORT).into();
    scene.connect(service).context("through the announced route")?;

    let died = Instant::now();
    drop(server);
    eventually("the peer has lost the route", || Ok(!is_known()?))?;
    let withdrawn = died.elapsed();
    ensure!(withdrawn < SOON, "withdrawn after {withdrawn:?}");

    let _server = start_server()?;
    let recovered = Instant::now();
    eventually("the peer has the route again", is_known)?;
    let announced = recovered.elapsed();
    scene.connect(service).context("through the route that is back")?;
    println!("withdrawn after {withdrawn:?}, announced {announced:?} after the recovery");

    let asked = Instant::now();
    let stopped = scene.stop(&["--drain"])?;
    ensure!(stopped.code == Some(0), "{stopped:?}");
    ensure!(!is_known()? && asked.elapsed() >= Duration::from_secs(1), "withdraw, wait, stop");
    Ok(())
}

#[test]
fn neighbours_learn_who_has_a_vip() -> Result<()> {
    const FORMER: &str = "02:00:00:00:00:99";
    let scene = Scene::set("l2", 1)?;
    scene.stage().topology().speak_ipv6()?;
    for vip in VIPS {
        scene.ip(Node::Client, &format!("route add {vip} dev eth0"))?;
        scene.ip(Node::Client, &format!("neighbour replace {vip} lladdr {FORMER} nud stale dev eth0"))?;
    }
    let mut announcing = Announcing::of(&scene, "by = \"l2\"\nhold = \"0s\"")?;
    announcing.follow(1)?;
    let status = announcing.announcer.status();
    ensure!(status.iter().all(|vip| vip.announced == Some(true)), "{status:?}");
    let link = scene.ip(Node::Balancer, "-oneline link show dev eth0")?;
    let mac = link.split_once("link/ether ").and_then(|(_, rest)| rest.split(' ').next()).context("no address")?;
    eventually("the client knows the balancer's Ethernet address", || {
        let neighbours = VIPS.map(|vip| scene.ip(Node::Client, &format!("neighbour show {vip}")));
        let [v4, v6] = neighbours;
        Ok(v4?.contains(mac) && v6?.contains(mac))
    })?;
    // The kernel answers for what it has.
    let addresses = || scene.ip(Node::Balancer, "addr show dev eth0");
    ensure!(VIPS.iter().all(|vip| addresses().is_ok_and(|text| text.contains(&format!(" {vip}/")))));
    announcing.follow(1)?;
    announcing.follow(0)?;
    ensure!(!VIPS.iter().any(|vip| addresses().is_ok_and(|text| text.contains(&format!(" {vip}/")))));
    announcing.withdraw_all()
}

/// A service of each VIP with server-1 behind it, and `more` keys.
fn services(more: &str) -> String {
    let service = |(vip, address): (&str, &str)| {
        let backends = format!("backends = [{{ name = \"server-1\", address = \"{address}\" }}]");
        format!("[[service]]\nname = \"to-{vip}\"\nvip = \"{vip}\"\nport = {PORT}\n{backends}\n{more}\n")
            .replace("to-2001:db8::10", "to-v6")
    };
    VIPS.into_iter().zip(["198.18.1.1", "2001:2::1:1"]).map(service).collect()
}

/// Policy and announcer at the balancer, without an agent: the test says what is ready.
struct Announcing<'a> {
    scene: &'a Scene,
    runtime: Runtime,
    policy: Policy,
    announcer: Announcer,
}

impl<'a> Announcing<'a> {
    fn of(scene: &'a Scene, announce: &str) -> Result<Self> {
        let text = configuration(scene.site(), ON_ETH0, &format!("[announce]\n{announce}\n{}", services("")));
        let config = Config::parse(Path::new("announce.toml"), &text)?;
        Ok(Self {
            scene,
            runtime: Builder::new_current_thread().enable_all().build()?,
            policy: Policy::of(&config),
            announcer: Announcer::default(),
        })
    }

    /// Follows for once, with so many back-ends ready of each service.
    fn follow(&mut self, ready: usize) -> Result<()> {
        let wish = self.policy.wish(|_| ready, Instant::now());
        let Self { scene, runtime, announcer, .. } = self;
        Ok(scene.namespace(Node::Balancer).run(|| runtime.block_on(announcer.follow(&wish)))?)
    }

    fn withdraw_all(&mut self) -> Result<()> {
        let Self { scene, runtime, announcer, .. } = self;
        scene.namespace(Node::Balancer).run(|| runtime.block_on(announcer.withdraw_all()))??;
        Ok(())
    }
}

/// Whether the client has a route that it learned to each of the VIPs.
fn is_known<const N: usize>(scene: &Scene, vips: [&str; N]) -> Result<bool> {
    let v4 = scene.ip(Node::Client, "route show proto bird")?;
    let v6 = scene.ip(Node::Client, "-6 route show proto bird")?;
    Ok(vips.iter().all(|vip| v4.contains(&format!("{vip} via")) || v6.contains(&format!("{vip} via"))))
}

fn balancer(folder: &Path) -> String {
    format!(
        "log stderr all;
router id 198.18.0.2;
protocol device {{}}
include \"{}/vips*.conf\";
protocol bgp peer4 {{
	local 198.18.0.2 as 65001;
	neighbor 198.18.0.1 as 65002;
	connect delay time 1;
	ipv4 {{ import none; export where proto = \"handoff4\"; }};
}}
protocol bgp peer6 {{
	local 2001:2::2 as 65001;
	neighbor 2001:2::1 as 65002;
	connect delay time 1;
	ipv6 {{ import none; export where proto = \"handoff6\"; }};
}}
",
        folder.display()
    )
}

fn peer() -> String {
    "log stderr all;
router id 198.18.0.1;
protocol device {}
protocol kernel { ipv4 { export all; }; }
protocol kernel { ipv6 { export all; }; }
protocol bgp balancer4 {
	local 198.18.0.1 as 65002;
	neighbor 198.18.0.2 as 65001;
	connect delay time 1;
	ipv4 { import all; export none; };
}
protocol bgp balancer6 {
	local 2001:2::1 as 65002;
	neighbor 2001:2::2 as 65001;
	connect delay time 1;
	ipv6 { import all; export none; };
}
"
    .to_owned()
}
