//! Interfaces of several kinds, and more than one.

use anyhow::{Context, Result, ensure};
use lb_tests::scene::{ON_ETH0, Scene, backends, outcome, service};
use lb_user::lab::{Node, SERVICE_NAME};
use std::process::Command;

const SERVERS: [(&str, &str); 2] = [("server-1", "198.18.1.1"), ("server-2", "198.18.1.2")];

#[test]
fn generic_mode() -> Result<()> {
    let scene = Scene::set("generic", 2)?;
    let agent = "interfaces = [\"eth0\"]\nxdp-mode = \"generic\"";
    let _agent = scene.start_agent_with(agent, &service(SERVICE_NAME, 443, "tcp", &SERVERS))?;
    ensure!(scene.attached("eth0")?.is_some_and(|attached| !attached.is_native), "not in generic mode");
    both_serve(&scene)
}

#[test]
fn auto_falls_back_to_generic_mode() -> Result<()> {
    let scene = Scene::set("auto", 2)?;
    // A bridge has no native XDP.
    for command in [
        "link add br0 type bridge stp_state 0",
        "addr del 198.18.0.2/16 dev eth0",
        "link set eth0 master br0",
        "link set br0 up",
        "addr add 198.18.0.2/16 dev br0",
    ] {
        scene.ip(Node::Balancer, command)?;
    }
    let services = service(SERVICE_NAME, 443, "tcp", &SERVERS);
    let _agent = scene.start_agent_with("interfaces = [\"br0\"]\nxdp-mode = \"auto\"", &services)?;
    ensure!(scene.attached("br0")?.is_some_and(|attached| !attached.is_native), "not in generic mode");
    both_serve(&scene)
}

#[test]
fn auto_prefers_native_mode() -> Result<()> {
    let scene = Scene::set("native", 2)?;
    let _agent = scene.start_agent_with(ON_ETH0, &service(SERVICE_NAME, 443, "tcp", &SERVERS))?;
    ensure!(scene.attached("eth0")?.is_some_and(|attached| attached.is_native), "not in native mode");
    both_serve(&scene)
}

#[test]
fn a_backend_may_be_behind_another_interface() -> Result<()> {
    let scene = Scene::set("redirect", 2)?;
    let namespace = scene.namespace(Node::Server(2));
    scene.ip(Node::Balancer, &format!("link add eth1 type veth peer name eth1 netns {namespace}"))?;
    for (node, address) in [(Node::Balancer, "198.19.0.1/24"), (Node::Server(2), "198.19.0.2/24")] {
        scene.ip(node, &format!("addr add {address} dev eth1"))?;
        scene.ip(node, "link set eth1 up")?;
    }
    // A veth device takes redirected packets in only while it does GRO or runs an XDP program.
    let gro = namespace.run(|| outcome(Command::new("ethtool").args(["-K", "eth1", "gro", "on"])))??;
    ensure!(gro.code == Some(0), "{gro:?}");

    let servers = [("server-1", "198.18.1.1"), ("server-2", "198.19.0.2")];
    let agent = scene.start_agent_with(ON_ETH0, &service(SERVICE_NAME, 443, "tcp", &servers))?;
    let interfaces = backends(&agent)?.into_iter().map(|backend| backend.interface.context("it has none"));
    assert_eq!(interfaces.collect::<Result<Vec<_>>>()?, ["eth0", "eth1"]);
    both_serve(&scene)
}

fn both_serve(scene: &Scene) -> Result<()> {
    scene.requests_succeed()?;
    ensure!(scene.connections().iter().all(|&connections| connections > 30), "{:?}", scene.connections());
    Ok(())
}
