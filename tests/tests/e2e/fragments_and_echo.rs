//! Datagrams that travel in pieces, and pings.

use anyhow::{Context, Result, bail};
use etherparse::{IcmpEchoHeader, Icmpv4Header, Icmpv4Type, Icmpv6Header, Icmpv6Type};
use lb_common::decap::{Family, Kind, Tunnel};
use lb_tests::scene::{Cluster, Mode, SERVERS, echo, packets};
use lb_user::lab::Node;
use socket2::{Domain, Protocol, Socket, Type};
use std::io::Read;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

const L2_DSR: [Mode; 2] = [Mode::L2Dsr(Family::V4), Mode::L2Dsr(Family::V6)];

#[test]
fn a_datagram_in_pieces_reaches_one_back_end_whole() -> Result<()> {
    const DATAGRAM: u64 = 4_000;
    const PIECES: u64 = 3;
    const DATAGRAMS: u64 = 5;
    let gue = |family| Mode::Tunnel(Tunnel { kind: Kind::Gue, outer: family, inner: family });
    let modes = [&L2_DSR[..], &[gue(Family::V4), gue(Family::V6)]].concat();
    let cluster = Cluster::set("fragments", &modes)?;
    make_room_for_tunnels(&cluster)?;
    let agent = cluster.start_agent()?;
    for mode in modes {
        let before = packets(&agent, "fragment")?;
        for _ in 0..SERVERS {
            let socket = cluster.socket(mode)?;
            let server = echo(&socket, DATAGRAM).with_context(|| mode.to_string())?;
            for _ in 1..DATAGRAMS {
                assert_eq!(echo(&socket, DATAGRAM)?, server, "{mode}: a flow was moved");
            }
        }
        for backend in cluster.backends(&agent, mode, "udp")? {
            let counted = (backend.new_flows, backend.packets, backend.fragments);
            assert_eq!(counted, (1, PIECES * DATAGRAMS, (PIECES - 1) * DATAGRAMS), "{mode}: {backend:?}");
        }
        let followed = packets(&agent, "fragment")? - before;
        assert_eq!(followed, u64::from(SERVERS) * (PIECES - 1) * DATAGRAMS, "{mode}");
    }
    Ok(())
}

#[test]
fn the_balancer_answers_pings_to_a_vip() -> Result<()> {
    const PINGS: u16 = 3;
    let cluster = Cluster::set("echo", &L2_DSR)?;
    let agent = cluster.start_agent()?;
    for mode in L2_DSR {
        let before = packets(&agent, "echo")?;
        for number in 0..PINGS {
            let pinged = cluster.scene().namespace(Node::Client).run(|| ping(mode.vip(), number))?;
            pinged.with_context(|| format!("{mode}: a ping"))?;
        }
        assert_eq!(packets(&agent, "echo")?, before + u64::from(PINGS), "{mode}");
    }
    Ok(())
}

/// Full-size packets of the client fit into every tunnel; what goes to the client itself stays as it was.
fn make_room_for_tunnels(cluster: &Cluster) -> Result<()> {
    let scene = cluster.scene();
    let client = [Node::Client.address().map(IpAddr::V4), Node::Client.address_v6().map(IpAddr::V6)];
    for node in cluster.servers().chain([Node::Balancer]) {
        scene.ip(node, "link set eth0 mtu 1600")?;
        scene.ip(Node::Switch, &format!("link set {node} mtu 1600"))?;
    }
    for node in cluster.servers() {
        for address in client.into_iter().flatten() {
            scene.ip(node, &format!("route add {address} dev eth0 mtu 1500"))?;
        }
    }
    Ok(())
}

/// Sends an echo request from the namespace of this thread, and waits for the answer.
fn ping(vip: IpAddr, number: u16) -> Result<()> {
    const DATA: &[u8] = &[0x5a; 56];
    const IPV4_HEADER: usize = 20;
    let (domain, protocol) =
        if vip.is_ipv4() { (Domain::IPV4, Protocol::ICMPV4) } else { (Domain::IPV6, Protocol::ICMPV6) };
    let socket = Socket::new(domain, Type::RAW, Some(protocol))?;
    socket.set_read_timeout(Some(Duration::from_secs(5)))?;
    socket.connect(&SocketAddr::new(vip, 0).into())?;
    let client = socket.local_addr()?.as_socket().context("not an address")?.ip();
    let echo = IcmpEchoHeader { id: 7, seq: number };
    let (request, reply, start) = match (client, vip) {
        (IpAddr::V4(_), IpAddr::V4(_)) => {
            let message = |kind| Icmpv4Header::with_checksum(kind, DATA).to_bytes();
            let [request, reply] = [Icmpv4Type::EchoRequest(echo), Icmpv4Type::EchoReply(echo)].map(message);
            (request.to_vec(), reply.to_vec(), IPV4_HEADER)
        }
        (IpAddr::V6(client), IpAddr::V6(vip)) => {
            let [client, vip] = [client.octets(), vip.octets()];
            let request = Icmpv6Header::with_checksum(Icmpv6Type::EchoRequest(echo), client, vip, DATA)?;
            let reply = Icmpv6Header::with_checksum(Icmpv6Type::EchoReply(echo), vip, client, DATA)?;
            (request.to_bytes().to_vec(), reply.to_bytes().to_vec(), 0)
        }
        _ => bail!("{client} and {vip} are of two families"),
    };
    socket.send(&[&request, DATA].concat())?;
    let mut packet = [0; 256];
    let len = (&socket).read(&mut packet)?;
    assert_eq!(packet.get(start..len), Some(&*[&reply, DATA].concat()));
    Ok(())
}
