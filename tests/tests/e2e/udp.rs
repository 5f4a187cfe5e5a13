//! A service of datagrams: new flows go round, and each stays where it is.

use anyhow::Result;
use lb_tests::scene::{ON_ETH0, Responder, Scene, backends, service};
use lb_user::lab::Node;
use lb_user::lab::topology::VIP;
use std::collections::BTreeMap;
use std::net::{SocketAddrV4, UdpSocket};
use std::time::Duration;

const ECHO: SocketAddrV4 = SocketAddrV4::new(VIP, 7);
const FLOWS: usize = 30;

#[test]
fn datagram_flows_are_spread_and_stay() -> Result<()> {
    let scene = Scene::set("udp", 3)?;
    let start = |node: Node| Responder::udp(&scene.namespace(node), ECHO, &node.to_string());
    let _echo = scene.stage().topology().servers().map(start).collect::<Result<Vec<_>>>()?;
    let servers = [("server-1", "198.18.1.1"), ("server-2", "198.18.1.2"), ("server-3", "198.18.1.3")];
    let agent = scene.start_agent_with(ON_ETH0, &service("echo", ECHO.port(), "udp", &servers))?;

    let sockets = scene.namespace(Node::Client).run(|| (0..FLOWS).map(|_| socket()).collect::<Result<Vec<_>>>())??;
    let first = answers(&sockets)?;
    assert_eq!(answers(&sockets)?, first, "a flow was moved");
    assert_eq!(answers(&sockets)?, first, "a flow was moved");

    let mut flows = BTreeMap::new();
    first.into_iter().for_each(|server| *flows.entry(server).or_insert(0) += 1);
    assert_eq!(flows, servers.map(|(server, _)| (server.to_owned(), FLOWS / 3)).into());
    for backend in backends(&agent)? {
        assert_eq!((backend.new_flows, backend.packets), (FLOWS as u64 / 3, FLOWS as u64), "{backend:?}");
    }
    Ok(())
}

/// A socket that takes answers from the VIP only.
fn socket() -> Result<UdpSocket> {
    let socket = UdpSocket::bind("198.18.0.1:0")?;
    socket.connect(ECHO)?;
    socket.set_read_timeout(Some(Duration::from_secs(5)))?;
    Ok(socket)
}

/// Sends a datagram through each socket, and returns who answered.
fn answers(sockets: &[UdpSocket]) -> Result<Vec<String>> {
    let answer = |socket: &UdpSocket| {
        socket.send(b"who?")?;
        let mut text = [0; 64];
        let length = socket.recv(&mut text)?;
        Ok(String::from_utf8_lossy(&text[..length]).into_owned())
    };
    sockets.iter().map(answer).collect()
}
