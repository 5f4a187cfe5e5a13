//! What an operator sees of single flows and packets, beside real connections.

use anyhow::{Context, Result, ensure};
use lb_tests::scene::{ON_ETH0, Outcome, Responder, Scene, eventually, handoff, outcome, service};
use lb_user::control::types::{Explanation, FlowList, FlowState, TopFlows, TraceLine};
use lb_user::lab::Node;
use lb_user::lab::topology::VIP;
use serde::de::DeserializeOwned;
use std::io::Read;
use std::net::{SocketAddrV4, TcpStream};
use std::process::{Child, Stdio};

const ECHO: SocketAddrV4 = SocketAddrV4::new(VIP, 7);
const SERVERS: [(&str, &str); 3] = [("server-1", "198.18.1.1"), ("server-2", "198.18.1.2"), ("server-3", "198.18.1.3")];

/// Runs `handoff <args>` against the scene's agent.
fn ask(scene: &Scene, args: &[&str]) -> Result<Outcome> {
    Ok(outcome(handoff(args).arg("--socket").arg(scene.site().control_socket()))?)
}

/// What it prints as JSON.
fn json<T: DeserializeOwned>(scene: &Scene, args: &[&str]) -> Result<T> {
    let outcome = ask(scene, &[args, &["--json"]].concat())?;
    ensure!(outcome.code == Some(0), "{args:?}: {outcome:?}");
    Ok(serde_json::from_str(&outcome.stdout)?)
}

/// Connects, and reads the name of the server that answers.
fn connect(scene: &Scene) -> Result<(TcpStream, String)> {
    let mut connection = scene.connect(ECHO)?;
    let mut name = [0; 8];
    connection.read_exact(&mut name)?;
    Ok((connection, String::from_utf8(name.to_vec())?))
}

#[test]
fn flows_and_explanations_are_those_of_real_connections() -> Result<()> {
    let scene = Scene::set("see-why", 3)?;
    let greet = |node: Node| Responder::tcp(&scene.namespace(node), ECHO.port(), &node.to_string(), 1);
    let _servers = scene.stage().topology().servers().map(greet).collect::<Result<Vec<_>>>()?;
    let _agent = scene.start_agent_with(ON_ETH0, &service("echo", ECHO.port(), "tcp", &SERVERS))?;
    let connections = (0..6).map(|_| connect(&scene)).collect::<Result<Vec<_>>>()?;

    let list: FlowList = json(&scene, &["flows", "--client", "198.18.0.0/24", "--state", "established"])?;
    ensure!((list.keys, list.matched, list.flows.len()) == (true, 6, 6), "{list:?}");
    for (connection, server) in &connections {
        let client = connection.local_addr()?;
        let flow = list.flows.iter().find(|flow| flow.tuple.is_some_and(|tuple| tuple.client == client));
        let flow = flow.with_context(|| format!("{client} is not in {list:?}"))?;
        assert_eq!((&flow.backend, flow.state, flow.service.as_str()), (server, FlowState::Established, "echo"));
        assert_eq!(flow.tuple.map(|tuple| tuple.vip), Some(ECHO.into()));

        let (client, vip) = (client.to_string(), ECHO.to_string());
        let explanation: Explanation = json(&scene, &["explain", &client, &vip, "tcp", "--flags", "ack"])?;
        assert_eq!(explanation.to.map(|way| way.backend).as_ref(), Some(server));
        assert_eq!((explanation.action.as_str(), explanation.reason.as_str()), ("forwarded", "remembered"));
    }
    let of_one: FlowList = json(&scene, &["flows", "--backend", "server-2"])?;
    assert_eq!(of_one.matched, 2);
    let other: FlowList = json(&scene, &["flows", "--client", "198.51.100.0/24"])?;
    assert_eq!(other.matched, 0);
    let top: TopFlows = json(&scene, &["flows", "--top", "backends"])?;
    assert_eq!(top.top.iter().map(|count| count.flows).collect::<Vec<_>>(), [2, 2, 2]);

    let new = ask(&scene, &["explain", "203.0.113.7:40000", &ECHO.to_string()])?;
    ensure!(new.stdout.contains("forwarded to server-1 of echo (new-flow)"), "{new:?}");
    let (_connection, server) = connect(&scene)?;
    assert_eq!(server, "server-1", "explaining a packet took a turn of the scheduler");
    let misspelt = ask(&scene, &["flows", "--backend", "server-9"])?;
    ensure!(misspelt.code == Some(1) && misspelt.stderr.contains("no back-end is called"), "{misspelt:?}");
    Ok(())
}

#[test]
fn flows_without_keys_are_counted_and_keys_come_with_the_next_agent() -> Result<()> {
    let scene = Scene::set("no-keys", 3)?;
    let greet = |node: Node| Responder::tcp(&scene.namespace(node), ECHO.port(), &node.to_string(), 1);
    let _servers = scene.stage().topology().servers().map(greet).collect::<Result<Vec<_>>>()?;
    let services = service("echo", ECHO.port(), "tcp", &SERVERS);
    let agent = scene.start_agent_with(ON_ETH0, &format!("[flow-table]\nkeys = false\n{services}"))?;
    let _before = connect(&scene)?;
    let list: FlowList = json(&scene, &["flows"])?;
    ensure!((list.keys, list.matched) == (false, 1), "{list:?}");
    ensure!(list.flows.iter().all(|flow| flow.tuple.is_none()), "{list:?}");

    agent.kill()?;
    let _agent = scene.start_agent_with(ON_ETH0, &services)?;
    let (after, _) = connect(&scene)?;
    let list: FlowList = json(&scene, &["flows"])?;
    let known: Vec<_> = list.flows.iter().filter_map(|flow| Some(flow.tuple?.client)).collect();
    ensure!((list.keys, list.matched, known) == (true, 2, vec![after.local_addr()?]), "{list:?}");
    Ok(())
}

/// A `handoff trace` under way, and what it prints.
struct Tracer(Child);

impl Tracer {
    fn start(scene: &Scene, args: &[&str]) -> Result<Self> {
        let mut command = handoff(&["trace", "--json"]);
        command.args(args).arg("--socket").arg(scene.site().control_socket());
        let tracer = Self(command.stdout(Stdio::piped()).spawn()?);
        // This one is refused in any case, for another reason as soon as the first one is there.
        eventually("the trace begins", || {
            let second = ask(scene, &["trace", "--verdict", "no-such"])?;
            Ok(second.code == Some(1) && second.stderr.contains("somebody else is tracing"))
        })?;
        Ok(tracer)
    }

    fn lines(mut self) -> Result<Vec<TraceLine>> {
        let mut text = String::new();
        self.0.stdout.take().context("it is piped")?.read_to_string(&mut text)?;
        ensure!(self.0.wait()?.success(), "the trace failed: {text}");
        Ok(text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?)
    }
}

impl Drop for Tracer {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_trace_shows_a_connection_and_ends_with_its_reader() -> Result<()> {
    let scene = Scene::set("trace", 3)?;
    let greet = |node: Node| Responder::tcp(&scene.namespace(node), ECHO.port(), &node.to_string(), 1);
    let _servers = scene.stage().topology().servers().map(greet).collect::<Result<Vec<_>>>()?;
    let _agent = scene.start_agent_with(ON_ETH0, &service("echo", ECHO.port(), "tcp", &SERVERS))?;

    let tracer = Tracer::start(&scene, &["--client", "198.18.0.0/24", "--port", "7", "--count", "2"])?;
    let (connection, server) = connect(&scene)?;
    let lines = tracer.lines()?;
    let seen: Vec<_> = lines.iter().map(|line| (line.flags.map(String::from), line.reason.as_str())).collect();
    let flags = |flags: &str| Some(flags.to_owned());
    assert_eq!(seen, [(flags("syn"), "new-flow"), (flags("ack"), "remembered")]);
    for line in &lines {
        assert_eq!(line.backend.as_ref(), Some(&server));
        assert_eq!(line.tuple.map(|tuple| tuple.client), Some(connection.local_addr()?));
        assert_eq!((line.interface.as_str(), line.service.as_deref(), line.missed), ("eth0", Some("echo"), 0));
    }

    let mut killed = Tracer::start(&scene, &["--verdict", "dropped"])?;
    killed.0.kill()?;
    eventually("another may trace", || Ok(ask(&scene, &["trace", "--duration", "1s"])?.code == Some(0)))?;
    let brief = ask(&scene, &["trace", "--verdict", "dropped", "--duration", "1s"])?;
    assert_eq!(brief, Outcome { code: Some(0), stdout: String::new(), stderr: String::new() });
    Ok(())
}
