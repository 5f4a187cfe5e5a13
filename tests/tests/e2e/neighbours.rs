//! Back-ends that change their Ethernet address, go away and come back, and back-ends behind a router.

use anyhow::{Context, Result, ensure};
use lb_tests::scene::{Scene, all_succeeded, backends, eventually, packets};
use lb_user::control::types::{BackendState, BackendStatus};
use lb_user::lab::{Agent, Node};
use lb_user::network::{Monitor, NextHop, Reach};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs;
use std::net::IpAddr;
use std::thread::sleep;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use tokio::time::{Instant, timeout_at};

#[test]
fn a_new_ethernet_address_is_learned_at_once_when_it_is_announced() -> Result<()> {
    const MAC: &str = "02:00:00:00:00:77";
    let scene = Scene::set("mac", 2)?;
    let agent = scene.start_agent()?;
    scene.requests_succeed()?;
    // As virtual machines do when they move: with a gratuitous ARP.
    let notify = || fs::write("/proc/sys/net/ipv4/conf/eth0/arp_notify", "1");
    scene.namespace(Node::Server(2)).run(notify)??;
    scene.ip(Node::Server(2), &format!("link set dev eth0 address {MAC}"))?;
    eventually("the agent knows the new address", || Ok(second(&agent)?.mac.as_deref() == Some(MAC)))?;
    let before = second(&agent)?.new_flows;
    scene.requests_succeed()?;
    ensure!(second(&agent)?.new_flows > before + 30, "server-2 got no new flows");
    Ok(())
}

#[test]
fn a_new_ethernet_address_is_found_when_nobody_announces_it() -> Result<()> {
    const MAC: &str = "02:00:00:00:00:78";
    let scene = Scene::set("mac-silent", 2)?;
    doubt_soon(&scene, "ipv4")?;
    let agent = scene.start_agent()?;
    scene.requests_succeed()?;
    scene.ip(Node::Server(2), &format!("link set dev eth0 address {MAC}"))?;
    eventually("the agent knows the new address", || Ok(second(&agent)?.mac.as_deref() == Some(MAC)))?;
    scene.requests_succeed()
}

#[test]
fn a_backend_that_is_gone_gets_no_new_flows() -> Result<()> {
    let scene = Scene::set("down", 2)?;
    doubt_soon(&scene, "ipv4")?;
    let agent = scene.start_agent()?;
    scene.requests_succeed()?;
    scene.ip(Node::Server(2), "link set dev eth0 down")?;
    eventually("server-2 is unreachable", || Ok(second(&agent)?.state == BackendState::Unreachable))?;
    let gone = second(&agent)?;
    assert_eq!(gone.reason.as_deref(), Some("no answer to ARP on eth0: is the back-end up and on this segment?"));
    scene.requests_succeed()?;
    assert_eq!(second(&agent)?.new_flows, gone.new_flows);

    let load = scene.start_load(100)?;
    scene.ip(Node::Server(2), "link set dev eth0 up")?;
    eventually("server-2 is ready again", || Ok(second(&agent)?.state == BackendState::Ready))?;
    sleep(Duration::from_secs(1));
    all_succeeded(load)?;
    ensure!(second(&agent)?.new_flows > gone.new_flows + 30, "server-2 got no new flows");
    Ok(())
}

#[test]
fn backends_are_there_also_when_the_kernel_forgets_its_neighbours() -> Result<()> {
    let scene = Scene::set("forgotten", 2)?;
    let agent = scene.start_agent()?;
    let load = scene.start_load(200)?;
    let process = Pid::from_raw(agent.id().try_into()?);
    for _ in 0..5 {
        scene.ip(Node::Balancer, "neigh flush dev eth0")?;
        // Not even an agent that does nothing for a while after it has seen that may leave the program without back-ends.
        sleep(Duration::from_millis(150));
        kill(process, Signal::SIGSTOP)?;
        sleep(Duration::from_millis(500));
        kill(process, Signal::SIGCONT)?;
        sleep(Duration::from_millis(150));
    }
    all_succeeded(load)?;
    assert_eq!(packets(&agent, "no-backend")?, 0);
    Ok(())
}

#[test]
fn an_ipv6_neighbour_is_found_and_followed() -> Result<()> {
    const BACKEND: &str = "fd00:18::11";
    const BALANCER: &str = "fd00:18::2";
    let scene = Scene::set("nd", 1)?;
    speak_ipv6(&scene, Node::Balancer, BALANCER)?;
    speak_ipv6(&scene, Node::Server(1), BACKEND)?;
    doubt_soon(&scene, "ipv6")?;
    let mut observer = Observer::at_balancer(&scene)?;
    let way = observer.follow(BACKEND, Reach::Segment, Result::is_err)?;
    ensure!(way.is_err_and(|message| message.starts_with("interface eth0 has no link-local address")));

    scene.ip(Node::Balancer, "addr add fe80::2/64 dev eth0 nodad")?;
    for mac in ["02:00:00:00:00:81", "02:00:00:00:00:82"] {
        scene.ip(Node::Server(1), &format!("link set dev eth0 address {mac}"))?;
        let way = observer.follow(BACKEND, Reach::Segment, |way| leads_to(way, mac))?;
        assert_eq!(way.map(|way| way.source), Ok(Some(BALANCER.parse()?)));
    }
    scene.ip(Node::Server(1), "link set dev eth0 down")?;
    let way = observer.follow(BACKEND, Reach::Segment, Result::is_err)?;
    let message = "no answer to neighbour discovery on eth0: is the back-end up and on this segment?";
    assert_eq!(way, Err(message.to_owned()));
    Ok(())
}

#[test]
fn a_backend_behind_a_router_is_reached_by_the_routers_ethernet_address() -> Result<()> {
    const BACKEND: &str = "203.0.113.9";
    const ROUTERS: [&str; 2] = ["02:00:00:00:00:91", "02:00:00:00:00:92"];
    let scene = Scene::set("router", 2)?;
    for (node, mac) in scene.stage().topology().servers().zip(ROUTERS) {
        scene.ip(node, &format!("link set dev eth0 address {mac}"))?;
    }
    scene.ip(Node::Balancer, "route add default via 198.18.1.1 table 100")?;
    let mut observer = Observer::at_balancer(&scene)?;
    let way = observer.follow(BACKEND, Reach::Routed, Result::is_err)?;
    ensure!(way.is_err_and(|message| message.starts_with("there is no route to 203.0.113.9")));

    let learned = |way: NextHop| (way.mtu, way.source.map(|source| source.to_string()));
    let balancer = || Some("198.18.0.2".to_owned());
    scene.ip(Node::Balancer, "route add 203.0.113.0/24 via 198.18.1.1 mtu 1400")?;
    let way = observer.follow(BACKEND, Reach::Routed, |way| leads_to(way, ROUTERS[0]))?;
    assert_eq!(way.map(learned), Ok((1400, balancer())));
    scene.ip(Node::Balancer, "route replace 203.0.113.0/24 via 198.18.1.2")?;
    let way = observer.follow(BACKEND, Reach::Routed, |way| leads_to(way, ROUTERS[1]))?;
    assert_eq!(way.map(learned), Ok((1500, balancer())));

    // The kernel's rules count as well: no table alone is the whole truth.
    scene.ip(Node::Balancer, &format!("rule add to {BACKEND} lookup 100"))?;
    ensure!(observer.follow(BACKEND, Reach::Routed, |way| leads_to(way, ROUTERS[0]))?.is_ok());
    for (route, kind) in [("blackhole default", "blackhole"), ("unreachable default", "unreachable")] {
        scene.ip(Node::Balancer, &format!("route replace {route} table 100"))?;
        let message = format!(
            "packets to {BACKEND} are discarded by a route of type {kind}: remove it, or add another one for {BACKEND} alone"
        );
        ensure!(observer.follow(BACKEND, Reach::Routed, |way| *way == Err(message.clone()))?.is_err());
    }
    Ok(())
}

#[test]
fn a_backend_may_be_behind_a_router_that_has_only_a_link_local_address() -> Result<()> {
    const ROUTER: &str = "02:00:00:00:00:a1";
    let scene = Scene::set("via-inet6", 1)?;
    for (node, address) in [(Node::Balancer, "fe80::2"), (Node::Server(1), "fe80::11")] {
        speak_ipv6(&scene, node, address)?;
    }
    scene.ip(Node::Server(1), &format!("link set dev eth0 address {ROUTER}"))?;
    let mut observer = Observer::at_balancer(&scene)?;
    for (backend, route, source, mtu) in [
        ("203.0.113.9", "203.0.113.0/24 via inet6 fe80::11 dev eth0", Some("198.18.0.2".parse()?), 1500),
        // No router forwards packets from a link-local address, and the balancer has no other one.
        ("2001:db8::9", "2001:db8::/32 via fe80::11 dev eth0 mtu 1280", None, 1280),
    ] {
        ensure!(observer.follow(backend, Reach::Routed, Result::is_err)?.is_err());
        scene.ip(Node::Balancer, &format!("route add {route}"))?;
        let way = observer.follow(backend, Reach::Routed, |way| leads_to(way, ROUTER))?;
        assert_eq!(way.map(|way| (way.source, way.mtu)), Ok((source, mtu)));
    }
    Ok(())
}

/// What the agent would find out about ways, without an agent.
struct Observer {
    runtime: Runtime,
    monitor: Monitor,
}

/// The way to a back-end, or what is in the way.
type Found = Result<NextHop, String>;

impl Observer {
    fn at_balancer(scene: &Scene) -> Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        // Its sockets stay in the namespace that they were opened in.
        let monitor = scene.namespace(Node::Balancer).run(|| runtime.block_on(Monitor::start()))??;
        Ok(Self { runtime, monitor })
    }

    /// Follows the network until the way to the back-end is as `wanted`, and has the kernel look for neighbours meanwhile.
    fn follow(&mut self, backend: &str, reach: Reach, wanted: impl Fn(&Found) -> bool) -> Result<Found> {
        // Shorter than the time after which a route is asked for again in any case: changes have to be reported.
        let deadline = Instant::now() + Duration::from_secs(25);
        let backend: IpAddr = backend.parse()?;
        let Self { runtime, monitor } = self;
        runtime.block_on(async {
            loop {
                let network = monitor.snapshot(&[backend].into()).await?;
                let found = network.next_hop(backend, reach).map_err(|unreachable| unreachable.to_string());
                if wanted(&found) {
                    return Ok(found);
                }
                if let Some((link, neighbour)) = network.probe_on(backend, reach) {
                    monitor.probe(link, neighbour).await?;
                }
                let changed = timeout_at(deadline, monitor.changed()).await;
                changed.with_context(|| format!("waited in vain: the way to {backend} is {found:?}"))??;
            }
        })
    }
}

fn leads_to(way: &Found, mac: &str) -> bool {
    way.as_ref().is_ok_and(|way| way.mac.to_string() == mac)
}

/// Switches IPv6 on at `node`, and gives it an address, and no other.
fn speak_ipv6(scene: &Scene, node: Node, address: &str) -> Result<()> {
    scene.ip(node, "link set dev eth0 addrgenmode none")?;
    scene.namespace(node).run(|| fs::write("/proc/sys/net/ipv6/conf/eth0/disable_ipv6", "0"))??;
    scene.ip(node, &format!("addr add {address}/64 dev eth0 nodad"))?;
    Ok(())
}

/// Has the balancer's kernel ask for neighbours of the family again after a second or so, not after half a minute.
fn doubt_soon(scene: &Scene, family: &str) -> Result<()> {
    for (setting, value) in [("base_reachable_time_ms", 1_000), ("delay_first_probe_time", 1)] {
        let path = format!("/proc/sys/net/{family}/neigh/eth0/{setting}");
        scene.namespace(Node::Balancer).run(|| fs::write(path, value.to_string()))??;
    }
    Ok(())
}

fn second(agent: &Agent) -> Result<BackendStatus> {
    backends(agent)?.into_iter().nth(1).context("the agent does not know server-2")
}
