//! `handoff decap`: packets come out of tunnels, or reach the back-end without one.

use anyhow::{Result, ensure};
use lb_common::decap::{Family, Kind, Tunnel};
use lb_tests::scene::{Backend, Responder, VIPS, eventually};
use lb_user::lab::Node;
use nix::sys::signal::Signal;
use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

const IPIP: Tunnel = Tunnel { kind: Kind::Ipip, outer: Family::V4, inner: Family::V4 };

#[test]
fn packets_come_out_of_every_tunnel() -> Result<()> {
    let backend = Backend::set("decap")?;
    let before = backend.state()?;
    let mut decap = backend.start(&["--source", "198.18.0.0/16", "--source", "fd00:1::/64"])?;
    // The host's own connections never come from a VIP.
    let addresses = backend.ip(Backend::NODE, "addr show dev lo")?;
    for marked in ["inet 192.0.2.10/32 scope host", "inet6 2001:db8::10/128 scope global nodad deprecated"] {
        ensure!(addresses.contains(marked), "{addresses}");
    }
    let _servers = backend.servers()?;
    for tunnel in Tunnel::all() {
        let client = backend.client(tunnel.inner)?;
        backend.send(tunnel, &client, Backend::server(tunnel.inner))?;
        assert_eq!(answer(&client)?, Backend::server(tunnel.inner), "{}", tunnel.name());
        assert_eq!(decap.packets(tunnel.name())?, 1, "{}", tunnel.name());
    }
    decap.signal(Signal::SIGINT)?;
    let (code, last) = decap.end()?;
    assert_eq!((code, last.map(|last| last["event"].clone())), (Some(0), Some("undone".into())));
    assert_eq!(backend.state()?, before);
    ensure!(!backend.run_folder().join("decap.json").exists(), "the record is still there");
    Ok(())
}

#[test]
fn generic_mode_and_counters_every_second() -> Result<()> {
    let backend = Backend::set("decap-generic")?;
    let mut decap = backend.start(&["--xdp-mode", "generic", "--stats", "1", "--gue-port", "6090"])?;
    let _servers = backend.servers()?;
    for tunnel in [IPIP, Tunnel { outer: Family::V6, ..IPIP }, Tunnel { inner: Family::V6, ..IPIP }] {
        let client = backend.client(tunnel.inner)?;
        backend.send(tunnel, &client, Backend::server(tunnel.inner))?;
        assert_eq!(answer(&client)?, Backend::server(tunnel.inner), "{}", tunnel.name());
    }
    // Not the port that was named: the host's other traffic.
    let client = backend.client(Family::V4)?;
    backend.send(Tunnel { kind: Kind::Gue, ..IPIP }, &client, Backend::server(Family::V4))?;
    nothing_comes(&client)?;
    eventually("all are told of by themselves", || Ok(decap.told_packets("ipip-6in4")? == 1))
}

#[test]
fn only_packets_for_a_vip_from_a_balancer_come_out() -> Result<()> {
    let backend = Backend::set("decap-unknown")?;
    let mut decap = backend.start(&["--source", "198.18.0.1", "--source", "fd00:2::/64"])?;
    let _servers = backend.servers()?;
    let own: SocketAddr = "203.0.113.1:7".parse()?;
    let _own = Responder::udp(&backend.namespace(Backend::NODE), own, "own")?;

    let client = backend.client(Family::V4)?;
    backend.send(IPIP, &client, own)?;
    nothing_comes(&client)?;
    assert_eq!(decap.packets("unknown-vip")?, 1);
    backend.send(Tunnel { outer: Family::V6, ..IPIP }, &client, Backend::server(Family::V4))?;
    nothing_comes(&client)?;
    assert_eq!(decap.packets("unknown-source")?, 1);

    // What clients send to a VIP is never a tunnel.
    backend.ip(Node::Client, "route add 192.0.2.10 via 198.18.1.1")?;
    backend.send_to(VIPS[0].parse()?, IPIP, &client, Backend::server(Family::V4))?;
    nothing_comes(&client)?;
    assert_eq!(decap.packets("other-destination")?, 1);
    backend.send(IPIP, &client, Backend::server(Family::V4))?;
    assert_eq!(answer(&client)?, Backend::server(Family::V4));
    Ok(())
}

#[test]
fn tunnels_end_at_addresses_that_come_later() -> Result<()> {
    let backend = Backend::set("decap-later")?;
    let mut decap = backend.start(&[])?;
    let _servers = backend.servers()?;
    let client = backend.client(Family::V4)?;
    let later = "198.18.1.77".parse()?;
    backend.ip(Backend::NODE, "addr add 198.18.1.77/16 dev eth0")?;
    client.set_read_timeout(Some(Duration::from_millis(100)))?;
    eventually("a packet comes out of a tunnel to the new address", || {
        backend.send_to(later, IPIP, &client, Backend::server(Family::V4))?;
        Ok(answer(&client).is_ok())
    })?;
    backend.ip(Backend::NODE, "addr del 198.18.1.77/16 dev eth0")?;
    // As a host route, so that the frame still gets here.
    backend.ip(Node::Client, "route add 198.18.1.77 via 198.18.1.1")?;
    eventually("the old address is another host's", || {
        let before = decap.packets("other-destination")?;
        backend.send_to(later, IPIP, &client, Backend::server(Family::V4))?;
        Ok(decap.packets("other-destination")? > before)
    })
}

#[test]
fn packets_may_be_for_a_bridge_on_the_interface() -> Result<()> {
    let backend = Backend::set("decap-bridge")?;
    for command in [
        "link add br0 type bridge stp_state 0",
        "addr del 198.18.1.1/16 dev eth0",
        "link set eth0 master br0",
        "link set br0 up",
        "addr add 198.18.1.1/16 dev br0",
    ] {
        backend.ip(Backend::NODE, command)?;
    }
    backend.write(Backend::NODE, "ipv4/conf/all/rp_filter", "0")?;
    backend.write(Backend::NODE, "ipv4/conf/br0/rp_filter", "1")?;
    let mut decap = backend.start(&[])?;
    let _servers = backend.servers()?;
    let client = backend.client(Family::V4)?;
    backend.send(IPIP, &client, Backend::server(Family::V4))?;
    assert_eq!(answer(&client)?, Backend::server(Family::V4));
    decap.signal(Signal::SIGTERM)?;
    assert_eq!(decap.end()?.0, Some(0));
    assert_eq!(backend.setting("br0", "rp_filter")?, "1");
    Ok(())
}

#[test]
fn a_back_end_of_l2_dsr_answers_for_the_vip_and_does_not_tell() -> Result<()> {
    let backend = Backend::set("decap-l2")?;
    backend.write(Backend::NODE, "ipv4/conf/all/rp_filter", "0")?;
    let before = backend.state()?;
    // To whom the segment's other hosts would go, if nobody kept silent.
    backend.ip(Backend::NODE, "addr add 192.0.2.10/32 dev lo")?;
    ensure!(is_resolved(&backend, VIPS[0])?, "the check for silence hears nothing");
    backend.ip(Backend::NODE, "addr del 192.0.2.10/32 dev lo")?;

    let mut decap = backend.start(&["--l2-dsr"])?;
    ensure!(!backend.ip(Backend::NODE, "link show dev eth0")?.contains("xdp"), "a program was attached");
    for vip in VIPS {
        ensure!(!is_resolved(&backend, vip)?, "the back-end says that {vip} is there");
    }
    let _servers = backend.servers()?;
    for (family, route) in [(Family::V4, "via 198.18.1.1"), (Family::V6, "via fd00:1::2")] {
        // As a balancer forwards it: to the back-end's Ethernet address.
        backend.ip(Node::Client, &format!("route add {} {route} dev eth0", VIPS[family as usize]))?;
        let any = if family == Family::V4 { "0.0.0.0:0" } else { "[::]:0" };
        let client = backend.namespace(Node::Client).run(|| UdpSocket::bind(any))??;
        client.set_read_timeout(Some(Duration::from_secs(5)))?;
        client.send_to(b"who?", Backend::server(family))?;
        assert_eq!(answer(&client)?, Backend::server(family));
    }
    decap.signal(Signal::SIGTERM)?;
    assert_eq!(decap.end()?.0, Some(0));
    assert_eq!(backend.state()?, before);
    Ok(())
}

/// Who answers.
fn answer(client: &UdpSocket) -> Result<SocketAddr> {
    Ok(client.recv_from(&mut [0; 64])?.1)
}

fn nothing_comes(client: &UdpSocket) -> Result<()> {
    let patience = client.read_timeout()?;
    client.set_read_timeout(Some(Duration::from_millis(300)))?;
    ensure!(answer(client).is_err(), "an answer came");
    Ok(client.set_read_timeout(patience)?)
}

/// Whether somebody on the segment of `eth0` says that the address is there.
fn is_resolved(backend: &Backend, address: &str) -> Result<bool> {
    backend.ip(Node::Client, &format!("route add {address} dev eth0"))?;
    let any = if address.contains(':') { "[::]:0" } else { "0.0.0.0:0" };
    let socket = backend.namespace(Node::Client).run(|| UdpSocket::bind(any))??;
    socket.send_to(b"who?", (address, 9))?;
    // The kernel asks three times, a second apart.
    let mut neighbour = String::new();
    eventually("the kernel knows whether the address is there", || {
        neighbour = backend.ip(Node::Client, &format!("neigh show {address} dev eth0"))?;
        Ok(neighbour.contains("lladdr") || neighbour.contains("FAILED"))
    })?;
    backend.ip(Node::Client, &format!("neigh del {address} dev eth0"))?;
    backend.ip(Node::Client, &format!("route del {address} dev eth0"))?;
    Ok(neighbour.contains("lladdr"))
}
