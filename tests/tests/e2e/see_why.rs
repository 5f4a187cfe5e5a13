//! What an operator sees of single flows and packets, beside real connections.

use anyhow::{Context, Result, ensure};
use lb_tests::scene::{ON_ETH0, Outcome, Responder, Scene, handoff, outcome, service};
use lb_user::control::types::{Explanation, FlowList, FlowState, TopFlows};
use lb_user::lab::Node;
use lb_user::lab::topology::VIP;
use serde::de::DeserializeOwned;
use std::io::Read;
use std::net::{SocketAddrV4, TcpStream};

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
