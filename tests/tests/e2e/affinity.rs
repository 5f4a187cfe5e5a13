//! A service with affinity, and clients with addresses of their own.

use anyhow::Result;
use lb_tests::scene::{ON_ETH0, Responder, Scene, backends, eventually, packets, service};
use lb_user::bpf;
use lb_user::lab::Node;
use lb_user::lab::topology::{VIP, client};
use socket2::{Domain, Socket, Type};
use std::collections::BTreeSet;
use std::io::Read;
use std::net::{SocketAddr, TcpStream};
use std::thread::sleep;
use std::time::Duration;

const SERVERS: [(&str, &str); 3] = [("server-1", "198.18.1.1"), ("server-2", "198.18.1.2"), ("server-3", "198.18.1.3")];
const PORT: u16 = 8080;

/// Not a multiple of three: after a turn of all of them, the scheduler begins the next with another server.
const CLIENTS: u16 = 13;

#[test]
fn clients_stay_for_a_window_and_are_spread_anew_after_it() -> Result<()> {
    let scene = Scene::set("affinity", 3)?;
    let _servers = servers(&scene)?;
    let agent = scene.start_agent_with(ON_ETH0, &web("window = \"10s\""))?;
    begin_window()?;
    let first = round(&scene)?;
    assert_eq!(first.iter().collect::<BTreeSet<_>>().len(), 3, "not spread: {first:?}");
    for _ in 0..3 {
        assert_eq!(round(&scene)?, first, "a client moved within its window");
    }
    begin_window()?;
    let second = round(&scene)?;
    assert!(first.iter().zip(&second).all(|(one, other)| one != other), "a client stayed: {first:?}, then {second:?}");
    assert_eq!(round(&scene)?, second, "a client moved within the next window");
    assert_eq!((packets(&agent, "new-flow")?, packets(&agent, "affinity")?), (2 * 13, 4 * 13));
    Ok(())
}

#[test]
fn a_busy_client_spills_over_when_its_server_has_more_than_its_share() -> Result<()> {
    let scene = Scene::set("max-load", 3)?;
    let _servers = servers(&scene)?;
    let agent = scene.start_agent_with(ON_ETH0, &web("window = \"1h\", reset = \"client\""))?;
    let mut open = (2..=10).map(|client| connect(&scene, client)).collect::<Result<Vec<_>>>()?;
    let (stream, home) = connect(&scene, 1)?;
    open.push((stream, home.clone()));
    for _ in 0..30 {
        let (stream, server) = connect(&scene, 1)?;
        assert_eq!(server, home, "nothing should move the client");
        open.push((stream, server));
    }

    agent.terminate()?;
    let agent = scene.start_agent_with(ON_ETH0, &web("window = \"1h\", reset = \"client\", max-load = 1.5"))?;
    eventually("the client gets to another server", || {
        open.push(connect(&scene, 1)?);
        Ok(open.last().is_some_and(|(_, server)| *server != home))
    })?;
    // At most half of all flows, and ten more until the agent looks again.
    for _ in 0..60 {
        open.push(connect(&scene, 1)?);
        sleep(Duration::from_millis(100));
    }
    let live: Vec<u64> = backends(&agent)?.iter().map(|backend| backend.live_flows).collect();
    assert_eq!(live.iter().sum::<u64>(), open.len() as u64);
    assert!(
        live.iter().all(|&flows| 3 * flows < 2 * open.len() as u64),
        "one server has more than its share: {live:?}"
    );
    Ok(())
}

/// A service with affinity.
fn web(affinity: &str) -> String {
    service("web", PORT, "tcp", &SERVERS) + &format!("affinity = {{ {affinity} }}\n")
}

/// Servers that say their names.
fn servers(scene: &Scene) -> Result<Vec<Responder>> {
    let start = |node: Node| Responder::tcp(&scene.namespace(node), PORT, &node.to_string(), 1);
    scene.stage().topology().servers().map(start).collect()
}

/// Waits until the next window of ten seconds begins: ten ticks, as it is rounded up.
fn begin_window() -> Result<()> {
    let window = || bpf::now() / 10;
    let now = window();
    eventually("the window ends", || Ok(window() != now))
}

/// Every client connects once. Returns which servers they got to.
fn round(scene: &Scene) -> Result<Vec<String>> {
    (1..=CLIENTS).map(|client| Ok(connect(scene, client)?.1)).collect()
}

/// A connection of the client with this number, and the server that it is with.
fn connect(scene: &Scene, number: u16) -> Result<(TcpStream, String)> {
    let mut stream = scene.namespace(Node::Client).run(|| -> Result<TcpStream> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.bind(&SocketAddr::from((client(number), 0)).into())?;
        socket.connect_timeout(&SocketAddr::from((VIP, PORT)).into(), Duration::from_secs(5))?;
        Ok(socket.into())
    })??;
    let mut server = String::new();
    stream.read_to_string(&mut server)?;
    Ok((stream, server.trim_end().to_owned()))
}
