//! What is in the way already: another agent, another program, maps of another shape. It goes on as if nobody had tried.

use anyhow::{Result, ensure};
use lb_common::abi::VERSION;
use lb_tests::scene::{ON_ETH0, Outcome, Scene, configuration, eventually, handoff, outcome, service};
use lb_user::lab::{Agent, Node};
use std::fs;
use std::path::PathBuf;

/// Exit code of a configuration that cannot be (EX_CONFIG of sysexits(3)).
const CONFIG: i32 = 78;

const SERVER_1: (&str, &str) = ("server-1", "198.18.1.1");

#[test]
fn another_xdp_program_is_attached() -> Result<()> {
    // Only the pins of the balancer and the switch are the lab's to remove, but these are never made.
    let other = |scene: &Scene| scene.site().pin_folder(Node::Client);
    let second = Second::set("busy", |scene, text| {
        text.replace(&*scene.site().pin_folder(Node::Balancer).to_string_lossy(), &other(scene).to_string_lossy())
    })?;
    second.is_refused(
        "interface eth0: another XDP program is attached: detach it with the tool that attached it (another Handoff: `handoff stop --purge` with its --socket or --pin-folder; a program without a link: `ip link set dev eth0 xdp off`)",
    )?;
    ensure!(!other(&second.scene).exists(), "the second agent made pins");
    Ok(())
}

#[test]
fn another_agent_has_the_pins() -> Result<()> {
    let second = Second::set("second", |_, text| text)?;
    let pins = second.scene.site().pin_folder(Node::Balancer);
    second.is_refused(&format!(
        "{}/v{VERSION}: another agent is running with these maps; see it with `handoff status`, end it with `handoff stop`, or give this one another agent: pin-folder and control-socket",
        pins.display()
    ))
}

#[test]
fn another_agent_has_the_control_socket() -> Result<()> {
    let scene = Scene::set("same-socket", 1)?;
    let _agent = scene.start_agent()?;
    // On another machine, with which it shares nothing but the path of the socket.
    let pins = scene.site().pin_folder(Node::Client);
    let text = configuration(scene.site(), ON_ETH0, &service("web", 443, "tcp", &[("client", "198.18.0.1")]));
    let text = text.replace(&*scene.site().pin_folder(Node::Balancer).to_string_lossy(), &pins.to_string_lossy());
    let file = scene.site().run_folder().join("second.toml");
    fs::write(&file, text)?;
    let run = scene.namespace(Node::Server(1)).run(|| outcome(handoff(&["run", "--config"]).arg(&file)))??;
    let error = format!(
        "{}: another agent answers at this control socket: give this one another agent: control-socket and pin-folder",
        scene.site().control_socket().display()
    );
    assert_eq!(run, Outcome::refusal(1, &error));
    ensure!(!pins.exists(), "the second agent left its pins");
    ensure!(scene.site().control_socket().exists(), "the first agent lost its socket");
    scene.requests_succeed()
}

#[test]
fn flow_table_of_another_size_is_pinned() -> Result<()> {
    let scene = Scene::set("shape", 1)?;
    scene.start_agent()?.kill()?;
    let before = scene.attached("eth0")?;
    let file = scene.site().config_file();
    fs::remove_file(scene.site().control_socket())?;
    let text = configuration(scene.site(), ON_ETH0, &service("web", 443, "tcp", &[SERVER_1]));
    fs::write(&file, text + "[flow-table]\nflows = 2048\n")?;
    let run = scene.run("run", &file)?;
    let error = format!(
        "flow-table: flows is 2048, but the table that is pinned has room for 1048576: set it to 1048576, or let go of all flows with `handoff stop --purge --pin-folder {}`, which ends forwarding until the next start",
        scene.site().pin_folder(Node::Balancer).display()
    );
    assert_eq!(run, Outcome::refusal(CONFIG, &error));
    assert_eq!(scene.attached("eth0")?, before);
    ensure!(!scene.site().control_socket().exists(), "the agent left its socket");
    scene.requests_succeed()?;
    scene.start_agent()?;
    assert_eq!(scene.attached("eth0")?.is_some(), before.is_some());
    Ok(())
}

#[test]
fn a_program_with_another_layout_of_the_maps_is_attached() -> Result<()> {
    let scene = Scene::set("layout", 1)?;
    scene.start_agent()?.kill()?;
    fs::remove_file(scene.site().control_socket())?;
    let before = scene.attached("eth0")?;
    let pins = scene.site().pin_folder(Node::Balancer);
    let other = pins.join(format!("v{}", VERSION + 1));
    fs::rename(pins.join(format!("v{VERSION}")), &other)?;
    let run = scene.run("run", &scene.site().config_file())?;
    let error = format!(
        "{}: the program on eth0 is of a release with another layout of the maps, this agent has layout {VERSION}: it goes on forwarding as it is, until you start that release again, which keeps its flows, or let go of them with `handoff stop --purge --pin-folder {}` and start this one",
        other.display(),
        pins.display()
    );
    assert_eq!(run, Outcome::refusal(1, &error));
    assert_eq!(scene.attached("eth0")?, before);
    ensure!(!pins.join(format!("v{VERSION}")).exists(), "the agent made pins of its own");
    scene.requests_succeed()?;

    assert_eq!(scene.purge()?.stdout, "stopped: forwarding has ended\n");
    ensure!(!pins.exists(), "there are still pins");
    eventually("the program is detached", || Ok(scene.attached("eth0")?.is_none()))?;
    scene.start_agent()?;
    ensure!(scene.attached("eth0")?.is_some(), "the agent attached nothing");
    Ok(())
}

/// An agent at work, and another configuration in a file of its own, which differs from the agent's in one thing.
struct Second {
    _first: Agent,
    scene: Scene,
    file: PathBuf,
    socket: PathBuf,
}

impl Second {
    fn set(name: &str, change: impl FnOnce(&Scene, String) -> String) -> Result<Self> {
        let scene = Scene::set(name, 1)?;
        let first = scene.start_agent()?;
        let file = scene.site().run_folder().join("second.toml");
        let socket = scene.site().run_folder().join("second.sock");
        let text = configuration(scene.site(), ON_ETH0, &service("web", 443, "tcp", &[SERVER_1]));
        let text = text.replace(&*scene.site().control_socket().to_string_lossy(), &socket.to_string_lossy());
        fs::write(&file, change(&scene, text))?;
        Ok(Self { _first: first, scene, file, socket })
    }

    /// Checks that a second agent is refused, and that the first goes on.
    fn is_refused(&self, error: &str) -> Result<()> {
        let before = self.scene.attached("eth0")?;
        let run = self.scene.run("run", &self.file)?;
        assert_eq!(run, Outcome::refusal(1, error));
        assert_eq!(self.scene.attached("eth0")?, before);
        ensure!(before.is_some(), "the first agent lost its program");
        ensure!(!self.socket.exists(), "the second agent left its socket");
        self.scene.requests_succeed()
    }
}
