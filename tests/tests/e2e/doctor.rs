//! `handoff doctor`: it has nothing to say against a good balancer and a good back-end, and finds what is wrong by its name.

use anyhow::{Context, Result, ensure};
use lb_tests::scene::{Backend, ON_ETH0, Outcome, Scene, VIPS, as_nobody, configuration, handoff, outcome, service};
use lb_user::lab::topology::VIP;
use lb_user::lab::{Agent, Node};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

const SERVER_1: (&str, &str) = ("server-1", "198.18.1.1");

#[test]
fn a_good_balancer() -> Result<()> {
    let scene = Scene::set("doctor", 2)?;
    let _agent = scene.start_agent()?;
    scene.requests_succeed()?;
    let examined = balancer(&scene, &scene.site().config_file())?;
    examined.is_good(&["kernel", "interface", "agent", "service"])?;
    let table = scene.run("doctor", &scene.site().config_file())?;
    ensure!(table.code == Some(0) && table.stdout.contains("\nok        agent"), "{table:?}");
    // Nobody may look at the pins, or talk to the agent.
    let nobody = as_nobody(handoff(&["doctor", "--json", "--config"]).arg(scene.site().config_file()));
    Examined::of(scene.at_balancer(&mut { nobody })?)?.finds("not-examined", 1)
}

#[test]
fn a_balancer_with_something_wrong_on_it() -> Result<()> {
    let scene = Scene::set("doctor-wrong", 1)?;
    let agent = scene.start_agent()?;
    let file = scene.site().config_file();

    let tagged = scene.site().run_folder().join("tagged.toml");
    let backend = "backends = [{ name = \"server-1\", address = \"198.18.1.1\", vlan = [100] }]";
    let web = format!("[[service]]\nname = \"web\"\nvip = \"{VIP}\"\nport = 443\n{backend}\n");
    fs::write(&tagged, configuration(scene.site(), ON_ETH0, &web))?;
    balancer(&scene, &tagged)?.finds("vlan-offload-on", 1)?;

    let layout = scene.site().pin_folder(Node::Balancer).join("v0");
    fs::create_dir(&layout)?;
    balancer(&scene, &file)?.finds("pins-of-another-layout", 1)?;
    fs::remove_dir(&layout)?;

    scene.ip(Node::Balancer, "link set dev eth0 down")?;
    balancer(&scene, &file)?.finds("link-down", 2)?;
    scene.ip(Node::Balancer, "link set dev eth0 up")?;

    let process = Pid::from_raw(pid(&agent)?);
    kill(process, Signal::SIGSTOP)?;
    balancer(&scene, &file)?.finds("agent-silent", 2)?;
    kill(process, Signal::SIGCONT)?;

    agent.kill()?;
    balancer(&scene, &file)?.finds("agent-not-running", 2)?;
    scene.purge()?;
    balancer(&scene, &file)?.finds("xdp-not-attached", 2)
}

#[test]
fn a_balancer_that_is_told_something_wrong() -> Result<()> {
    let scene = Scene::set("doctor-told", 1)?;
    let _agent = scene
        .start_agent_with(&format!("{ON_ETH0}\nxdp-mode = \"generic\""), &service("web", 443, "tcp", &[SERVER_1]))?;
    scene.ip(Node::Balancer, "link add wide mtu 9000 type veth peer name narrow")?;
    let tunnel = |address| service("web", 443, "tcp", &[("far", address)]) + "forwarding = \"ipip\"\n";
    let with = |agent: &str, services: String| configuration(scene.site(), agent, &services);
    let good = || service("web", 443, "tcp", &[SERVER_1]);
    let pins = |text: String, folder: PathBuf| {
        text.replace(&*scene.site().pin_folder(Node::Balancer).to_string_lossy(), &folder.to_string_lossy())
    };
    let cases = [
        ("agent-of-another-file", 1, with(&format!("{ON_ETH0}\nxdp-mode = \"generic\""), good())),
        ("xdp-generic", 1, with(ON_ETH0, good())),
        ("xdp-of-another", 2, pins(with(ON_ETH0, good()), scene.site().pin_folder(Node::Client))),
        ("bpffs-missing", 2, pins(with(ON_ETH0, good()), scene.site().run_folder())),
        ("interface-missing", 2, with("interfaces = [\"eth0\", \"eth7\"]", good())),
        ("mtu-over-xdp", 2, with("interfaces = [\"eth0\", \"wide\"]", good())),
        ("neighbour-unresolved", 2, with(ON_ETH0, service("web", 443, "tcp", &[("gone", "198.18.1.99")]))),
        ("service-without-back-end", 2, with(ON_ETH0, service("web", 443, "tcp", &[("gone", "198.18.1.99")]))),
        ("back-end-unreachable", 2, with(ON_ETH0, service("web", 443, "tcp", &[("elsewhere", "10.99.0.1")]))),
        ("route-missing", 2, with(ON_ETH0, tunnel("203.0.113.9"))),
        ("tunnel-mtu", 1, with(ON_ETH0, tunnel(SERVER_1.1))),
    ];
    for (name, code, text) in cases {
        let file = scene.site().run_folder().join("examined.toml");
        fs::write(&file, text)?;
        balancer(&scene, &file)?.finds(name, code)?;
    }
    Ok(())
}

#[test]
fn a_good_back_end() -> Result<()> {
    let scene = Scene::set("doctor-server", 1)?;
    let examined = lab_server(&scene, &["--port", "443", "--client", "198.18.2.1"])?;
    examined.is_good(&["kernel", "vip", "listener"])?;

    let backend = Backend::set("doctor-decap")?;
    backend.ip(Backend::NODE, "route add default via 203.0.113.9")?;
    backend.ip(Backend::NODE, "route add default via 2001:db8:9::9")?;
    let _decap = backend.start(&[])?;
    let _servers = backend.servers()?;
    let vips = ["--vip", VIPS[0], "--vip", VIPS[1]];
    let args = [&vips[..], &["--interface", "eth0", "--tunnel", "--port", "7/udp"]].concat();
    let examined = Examined::of(backend.run(&mut back_end(&args))?)?;
    examined.is_good(&["kernel", "vip", "decapsulator", "listener"])
}

#[test]
fn a_back_end_with_something_wrong_on_it() -> Result<()> {
    let scene = Scene::set("doctor-host", 1)?;
    let (server, client) = (Node::Server(1), ["--client", "198.18.2.1"]);
    lab_server(&scene, &["--vip", "192.0.2.99"])?.finds("vip-missing", 2)?;
    lab_server(&scene, &["--vip", "2001:db8::10"])?.finds("ipv6-off", 2)?;
    lab_server(&scene, &["--interface", "eth7"])?.finds("interface-missing", 2)?;
    lab_server(&scene, &["--port", "444"])?.finds("port-silent", 2)?;
    lab_server(&scene, &[])?.finds("no-way-back", 2)?;
    lab_server(&scene, &["--tunnel"])?.finds("decapsulator-missing", 2)?;

    for (setting, wrong, right, name, code) in
        [("arp_ignore", "0", "1", "arp-answered", 2), ("arp_announce", "0", "2", "arp-announced", 1)]
    {
        scene.write(server, &format!("ipv4/conf/all/{setting}"), wrong)?;
        lab_server(&scene, &client)?.finds(name, code)?;
        scene.write(server, &format!("ipv4/conf/all/{setting}"), right)?;
    }
    // A tunnel device, so that nothing else is wrong.
    scene.write(server, "ipv4/conf/all/rp_filter", "1")?;
    lab_server(&scene, &["--tunnel", client[0], client[1]])?.finds("rp-filter", 2)?;

    scene.ip(server, &format!("addr add {VIP}/32 dev eth0"))?;
    lab_server(&scene, &client)?.finds("vip-announced", 2)?;
    scene.ip(server, &format!("addr del {VIP}/32 dev eth0"))?;

    // Duplicate address detection that takes half a minute.
    for (key, value) in [("disable_ipv6", "0"), ("accept_dad", "1"), ("dad_transmits", "30")] {
        scene.write(server, &format!("ipv6/conf/eth0/{key}"), value)?;
    }
    scene.ip(server, "addr add 2001:db8::10/64 dev eth0")?;
    lab_server(&scene, &["--vip", "2001:db8::10"])?.finds("vip-tentative", 2)
}

/// What the doctor has said.
struct Examined {
    outcome: Outcome,
    findings: Vec<Value>,
}

impl Examined {
    fn of(outcome: Outcome) -> Result<Self> {
        let findings = serde_json::from_str(&outcome.stdout).with_context(|| format!("{outcome:?}"))?;
        Ok(Self { outcome, findings })
    }

    fn names(&self) -> BTreeSet<&str> {
        self.findings.iter().filter_map(|finding| finding["name"].as_str()).collect()
    }

    /// Checks that nothing is wrong, and that these are among the findings.
    fn is_good(&self, expected: &[&str]) -> Result<()> {
        let names = self.names();
        ensure!(self.outcome.code == Some(0), "{:?}", self.outcome);
        ensure!(self.findings.iter().all(|finding| matches!(finding["severity"].as_str(), Some("ok" | "note"))));
        ensure!(expected.iter().all(|name| names.contains(name)), "{names:?}");
        Ok(())
    }

    /// Checks that this is found, and what the exit code is.
    fn finds(&self, name: &str, code: i32) -> Result<()> {
        let found = self.findings.iter().find(|finding| finding["name"] == name);
        let found = found.with_context(|| format!("not found: {name} in {:?}", self.outcome))?;
        ensure!(found["remedy"].is_string(), "no remedy: {found}");
        ensure!(self.outcome.code == Some(code), "{name}: {:?}", self.outcome);
        Ok(())
    }
}

fn balancer(scene: &Scene, file: &std::path::Path) -> Result<Examined> {
    Examined::of(scene.at_balancer(handoff(&["doctor", "--json", "--config"]).arg(file))?)
}

/// Examines a server of the lab, which has the lab's VIP.
fn lab_server(scene: &Scene, args: &[&str]) -> Result<Examined> {
    let vip = VIP.to_string();
    let mut command = back_end(&[&["--vip", &vip][..], args].concat());
    Examined::of(scene.namespace(Node::Server(1)).run(|| outcome(&mut command))??)
}

fn back_end(args: &[&str]) -> Command {
    let mut command = handoff(&["doctor", "--json", "--back-end"]);
    command.args(args);
    command
}

fn pid(agent: &Agent) -> Result<i32> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    Ok(runtime.block_on(agent.control().status())?.pid.try_into()?)
}
