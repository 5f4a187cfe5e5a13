//! What cannot be: every error whole, its exit code, and that nothing was changed.

use anyhow::{Result, ensure};
use lb_common::abi::VERSION;
use lb_tests::scene::{ON_ETH0, Outcome, Scene, as_nobody, configuration, handoff, outcome, service};
use lb_user::lab::Node;
use std::fs;

/// Exit codes of sysexits(3).
const USAGE: i32 = 64;
const NO_PERMISSION: i32 = 77;
const CONFIG: i32 = 78;

const SERVER_1: (&str, &str) = ("server-1", "198.18.1.1");

/// A configuration that is refused on the balancer of a lab.
struct Refused {
    name: &'static str,
    agent: &'static str,
    services: String,
    code: i32,
    /// The whole error; `FILE` stands for the path of the configuration.
    error: &'static str,
}

impl Refused {
    /// Checks that neither `handoff run` nor, if it can tell, `handoff check` takes it, and that nothing is changed.
    fn check(&self) -> Result<()> {
        let scene = Scene::set(self.name, 1)?;
        fs::write(scene.site().config_file(), configuration(scene.site(), self.agent, &self.services))?;
        let run = scene.run("run", &scene.site().config_file())?;
        assert_eq!(run, self.outcome(&scene));
        nothing_changed(&scene)?;
        if self.code == CONFIG {
            let check = scene.run("check", &scene.site().config_file())?;
            assert_eq!(check, self.outcome(&scene));
        }
        Ok(())
    }

    fn outcome(&self, scene: &Scene) -> Outcome {
        Outcome::refusal(self.code, &self.error.replace("FILE", &scene.site().config_file().to_string_lossy()))
    }
}

#[test]
fn missing_interface() -> Result<()> {
    Refused {
        name: "no-interface",
        agent: "interfaces = [\"eth7\"]",
        services: service("web", 443, "tcp", &[SERVER_1]),
        code: CONFIG,
        error: "FILE: agent: there is no Ethernet interface \"eth7\": this machine has eth0",
    }
    .check()
}

#[test]
fn backend_in_no_connected_subnet() -> Result<()> {
    Refused {
        name: "far-backend",
        agent: ON_ETH0,
        services: service("web", 443, "tcp", &[SERVER_1, ("far", "203.0.113.9")]),
        code: CONFIG,
        error: "FILE: service \"web\": back-end \"far\": 203.0.113.9 is in no connected subnet: l2-dsr needs the back-end on the balancer's own segment; add an address of that subnet to an interface",
    }
    .check()
}

#[test]
fn backend_is_the_balancer_itself() -> Result<()> {
    Refused {
        name: "own-address",
        agent: ON_ETH0,
        services: service("web", 443, "tcp", &[("self", "198.18.0.2")]),
        code: CONFIG,
        error: "FILE: service \"web\": back-end \"self\": 198.18.0.2 is an address of the balancer itself: a back-end must be another host",
    }
    .check()
}

#[test]
fn unknown_key() -> Result<()> {
    Refused {
        name: "unknown-key",
        agent: "interfaces = [\"eth0\"]\ninterface = \"eth0\"",
        services: String::new(),
        code: CONFIG,
        error: "FILE:3: agent: unknown field `interface`: did you mean `interfaces`? Expected one of `interfaces`, `xdp-mode`, `control-socket`, `pin-folder`, `state-folder`, `watch`, `removal-grace`, `measure-run-time`, `metrics`",
    }
    .check()
}

#[test]
fn port_0() -> Result<()> {
    Refused {
        name: "port-0",
        agent: ON_ETH0,
        services: service("web", 0, "tcp", &[SERVER_1]),
        code: CONFIG,
        error: "FILE:9: service \"web\": port 0 cannot be: use 1 to 65535, a range as \"8000-8099\", or \"all\"",
    }
    .check()
}

#[test]
fn two_services_with_one_endpoint() -> Result<()> {
    Refused {
        name: "duplicate",
        agent: ON_ETH0,
        services: service("web", 443, "tcp", &[SERVER_1]) + &service("shop", 443, "tcp", &[SERVER_1]),
        code: CONFIG,
        error: "FILE:16: service \"shop\": 198.18.255.1:443/tcp is already a service, in line 8: give one of them another port or VIP",
    }
    .check()
}

#[test]
fn control_socket_in_an_impossible_folder() -> Result<()> {
    let scene = Scene::set("no-socket", 1)?;
    let text = configuration(scene.site(), ON_ETH0, &service("web", 443, "tcp", &[SERVER_1]));
    let socket = scene.site().control_socket();
    let text = text.replace(&*socket.to_string_lossy(), "/proc/handoff/control.sock");
    fs::write(scene.site().config_file(), text)?;
    let run = scene.run("run", &scene.site().config_file())?;
    let error = "/proc/handoff/control.sock: cannot listen on the control socket: No such file or directory (os error 2); set agent: control-socket to a path that the agent may write";
    assert_eq!(run, Outcome::refusal(1, error));
    nothing_changed(&scene)
}

#[test]
fn pin_folder_on_another_file_system() -> Result<()> {
    let scene = Scene::set("no-bpffs", 1)?;
    let folder = scene.site().run_folder().join("pins");
    let text = configuration(scene.site(), ON_ETH0, &service("web", 443, "tcp", &[SERVER_1]));
    let text = text.replace(&*scene.site().pin_folder(Node::Balancer).to_string_lossy(), &folder.to_string_lossy());
    fs::write(scene.site().config_file(), text)?;
    let run = scene.run("run", &scene.site().config_file())?;
    let error = format!(
        "{}/v{VERSION}: not on a BPF file system, so nothing can be pinned there; run `mount -t bpf bpf /sys/fs/bpf`",
        folder.display()
    );
    assert_eq!(run, Outcome::refusal(1, &error));
    ensure!(!folder.exists(), "the pin folder was made");
    nothing_changed(&scene)
}

#[test]
fn missing_configuration() -> Result<()> {
    let scene = Scene::set("no-config", 1)?;
    let file = scene.site().config_file();
    let run = scene.run("run", &file)?;
    let error = format!(
        "{}: cannot read the configuration: No such file or directory (os error 2); name a readable file with --config",
        file.display()
    );
    assert_eq!(run, Outcome::refusal(CONFIG, &error));
    nothing_changed(&scene)
}

#[test]
fn not_root() -> Result<()> {
    let scene = Scene::set("nobody", 1)?;
    let file = scene.site().config_file();
    fs::write(&file, configuration(scene.site(), ON_ETH0, &service("web", 443, "tcp", &[SERVER_1])))?;
    let run = scene.at_balancer(&mut as_nobody(handoff(&["run", "--config"]).arg(&file)))?;
    let error = "not allowed: the agent lacks CAP_NET_ADMIN, CAP_PERFMON, CAP_BPF; run it as root, as `sudo handoff run`, or give it these capabilities, as handoff.service does";
    assert_eq!(run, Outcome::refusal(NO_PERMISSION, error));
    nothing_changed(&scene)
}

#[test]
fn wrong_flag() -> Result<()> {
    let outcome = outcome(&mut handoff(&["run", "--confg", "x"]))?;
    let stderr = "error: unexpected argument '--confg' found

  tip: a similar argument exists: '--config'

Usage: handoff run --config <FILE>

For more information, try '--help'.
";
    assert_eq!(outcome, Outcome { code: Some(USAGE), stdout: String::new(), stderr: stderr.to_owned() });
    Ok(())
}

fn nothing_changed(scene: &Scene) -> Result<()> {
    ensure!(scene.attached("eth0")?.is_none(), "a program was attached");
    ensure!(!scene.site().pin_folder(Node::Balancer).exists(), "pins were made");
    ensure!(!scene.site().control_socket().exists(), "a socket was made");
    Ok(())
}
