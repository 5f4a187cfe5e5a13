//! Back-ends that change their Ethernet address, go away and come back.

use anyhow::{Context, Result, ensure};
use lb_tests::scene::{Scene, all_succeeded, backends, eventually};
use lb_user::control::types::{BackendState, BackendStatus};
use lb_user::lab::{Agent, Node};
use std::fs;
use std::thread::sleep;
use std::time::Duration;

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
    doubt_soon(&scene)?;
    let agent = scene.start_agent()?;
    scene.requests_succeed()?;
    scene.ip(Node::Server(2), &format!("link set dev eth0 address {MAC}"))?;
    eventually("the agent knows the new address", || Ok(second(&agent)?.mac.as_deref() == Some(MAC)))?;
    scene.requests_succeed()
}

#[test]
fn a_backend_that_is_gone_gets_no_new_flows() -> Result<()> {
    let scene = Scene::set("down", 2)?;
    doubt_soon(&scene)?;
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

/// Has the balancer's kernel ask again after a second or so, not after half a minute.
fn doubt_soon(scene: &Scene) -> Result<()> {
    for (setting, value) in [("base_reachable_time_ms", 1_000), ("delay_first_probe_time", 1)] {
        let path = format!("/proc/sys/net/ipv4/neigh/eth0/{setting}");
        scene.namespace(Node::Balancer).run(|| fs::write(path, value.to_string()))??;
    }
    Ok(())
}

fn second(agent: &Agent) -> Result<BackendStatus> {
    backends(agent)?.into_iter().nth(1).context("the agent does not know server-2")
}
