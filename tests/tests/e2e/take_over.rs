//! Agents come and go; forwarding, flows and counters stay, until somebody purges them.

use anyhow::{Result, ensure};
use lb_tests::scene::{Outcome, Scene, all_succeeded, backends, eventually};
use lb_user::control::types::BackendStatus;
use lb_user::lab::{Agent, Node};
use std::thread::sleep;
use std::time::Duration;

const STOPPED: &str = "stopped: forwarding goes on without the agent; end it with `handoff stop --purge`\n";
const PURGED: &str = "stopped: forwarding has ended\n";

fn said(stdout: &str) -> Outcome {
    Outcome { code: Some(0), stdout: stdout.to_owned(), stderr: String::new() }
}

#[test]
fn a_killed_agent_is_missed_by_nobody() -> Result<()> {
    let scene = Scene::set("kill", 3)?;
    let agent = scene.start_agent()?;
    let load = scene.start_load(200)?;
    sleep(Duration::from_secs(1));
    let before = backends(&agent)?;
    agent.kill()?;
    let attached = scene.attached("eth0")?;
    ensure!(attached.is_some(), "the program was detached with its agent");

    let (ok, connections) = (load.tally().ok, scene.connections());
    sleep(Duration::from_secs(1));
    ensure!(load.tally().ok > ok + 100, "forwarding stopped with the agent");
    ensure!(scene.connections().iter().zip(connections).all(|(now, then)| *now > then + 30), "a server was left out");

    let agent = scene.start_agent()?;
    let after = backends(&agent)?;
    for (before, after) in before.iter().zip(&after) {
        ensure!(
            after.new_flows > before.new_flows + 30 && after.packets > before.packets,
            "{before:?}, then {after:?}"
        );
    }
    sleep(Duration::from_secs(1));
    all_succeeded(load)?;
    ensure!(scene.attached("eth0")?.is_some(), "the program was detached by the next agent");
    assert_eq!(new_flows(&agent)?, scene.connections());
    Ok(())
}

#[test]
fn forwarding_goes_on_when_the_agent_stops() -> Result<()> {
    let scene = Scene::set("stop", 3)?;
    let agent = scene.start_agent()?;
    let load = scene.start_load(200)?;
    sleep(Duration::from_millis(500));
    let stopped = scene.stop(&[])?;
    assert_eq!(stopped, said(STOPPED));
    ensure!(!scene.site().control_socket().exists(), "the agent left its socket behind");
    ensure!(has_ended(agent)?, "the agent did not end in good order");

    let ok = load.tally().ok;
    sleep(Duration::from_secs(1));
    ensure!(load.tally().ok > ok + 100, "forwarding stopped with the agent");

    let agent = scene.start_agent()?;
    sleep(Duration::from_millis(500));
    all_succeeded(load)?;
    assert_eq!(new_flows(&agent)?, scene.connections());
    Ok(())
}

#[test]
fn sigterm_leaves_forwarding_on() -> Result<()> {
    let scene = Scene::set("term", 3)?;
    let agent = scene.start_agent()?;
    ensure!(agent.terminate()?.success(), "the agent did not end in good order");
    ensure!(!scene.site().control_socket().exists(), "the agent left its socket behind");
    scene.requests_succeed()
}

#[test]
fn purge_ends_forwarding() -> Result<()> {
    let scene = Scene::set("purge", 3)?;
    let agent = scene.start_agent()?;
    ensure!(scene.is_served(), "nothing was forwarded");
    assert_eq!(scene.purge()?, said(PURGED));
    ensure!(!scene.site().control_socket().exists(), "the agent left its socket behind");
    nothing_is_left(&scene)?;
    ensure!(has_ended(agent)?, "the agent did not end in good order");

    let pins = scene.site().pin_folder(Node::Balancer);
    let nothing = format!("nothing to stop: no agent answers, and nothing is pinned in {}\n", pins.display());
    assert_eq!(scene.purge()?, said(&nothing));

    let agent = scene.start_agent()?;
    assert_eq!(new_flows(&agent)?, [0, 0, 0]);
    scene.requests_succeed()
}

#[test]
fn purge_removes_what_a_killed_agent_left() -> Result<()> {
    let scene = Scene::set("purge-killed", 3)?;
    scene.start_agent()?.kill()?;
    ensure!(scene.is_served(), "forwarding stopped with the agent");
    assert_eq!(scene.purge()?, said(PURGED));
    nothing_is_left(&scene)
}

#[test]
fn stop_without_an_agent_says_what_to_do() -> Result<()> {
    let scene = Scene::set("stop-none", 1)?;
    let socket = scene.site().control_socket();
    let stderr = format!(
        "handoff: {}: no agent answers: No such file or directory (os error 2); start one with `handoff run --config FILE`, or name its socket with --socket\n",
        socket.display()
    );
    assert_eq!(scene.stop(&[])?, Outcome { code: Some(1), stdout: String::new(), stderr });
    Ok(())
}

fn nothing_is_left(scene: &Scene) -> Result<()> {
    ensure!(!scene.site().pin_folder(Node::Balancer).exists(), "there are still pins");
    ensure!(!scene.site().control_socket().exists(), "there is still a control socket");
    // The kernel detaches it when the last link is gone, a moment after its pin.
    eventually("the program is detached", || Ok(scene.attached("eth0")?.is_none()))?;
    ensure!(!scene.is_served(), "connections are still forwarded");
    Ok(())
}

/// Whether the agent has ended by itself, with exit code 0. Terminating it only collects how.
fn has_ended(agent: Agent) -> Result<bool> {
    Ok(agent.terminate()?.code() == Some(0))
}

fn new_flows(agent: &Agent) -> Result<Vec<u64>> {
    Ok(backends(agent)?.iter().map(|BackendStatus { new_flows, .. }| *new_flows).collect())
}
