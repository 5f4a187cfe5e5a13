//! Finding the packet size that fits a path, as TCP does when nobody rewrites its maximum segment size: by errors that come back
//! (RFC 1191, RFC 8201). All hosts have links of 1,500 bytes.

use anyhow::{Context, Result, ensure};
use lb_common::decap::{Family, Kind, Tunnel};
use lb_tests::scene::{Cluster, Mode, exchange, packets, services};
use lb_user::lab::Node;
use std::net::IpAddr;

/// Bytes that are downloaded or uploaded.
const SIZE: u64 = 12_000_000;

/// A router on the way to the client tells the VIP that the back-end's packets are too big, which gets to the balancer.
#[test]
fn errors_about_downloads_are_relayed_to_the_back_end_that_serves() -> Result<()> {
    const MTU: u16 = 1400;
    let modes: Vec<_> = Mode::all().collect();
    let cluster = Cluster::behind_router("mtu-down", MTU, &modes)?;
    let agent = cluster.start_agent()?;
    for mode in modes {
        let before = packets(&agent, "icmp-error")?;
        let mut connection = cluster.connect(mode)?;
        let client = connection.local_addr()?.ip();
        let server = exchange(&mut connection, 0, SIZE).with_context(|| format!("{mode}: a download"))?;
        ensure!(packets(&agent, "icmp-error")? > before, "{mode}: no error was relayed");
        for (backend, node) in cluster.backends(&agent, mode, "tcp")?.into_iter().zip(cluster.servers()) {
            let serves = backend.name == server;
            assert_eq!(backend.icmp_errors > 0, serves, "{mode} was served by {server}: {backend:?}");
            let mtu = path_mtu(&cluster, node, mode.vip(), client)?;
            assert_eq!(mtu, serves.then_some(MTU), "{mode} was served by {server}: from {node} to the client");
            // What is known of the path is known for all VIPs: the next mode is to find it out for itself.
            for family in ["-4", "-6"] {
                cluster.scene().ip(node, &format!("{family} route flush cache"))?;
            }
        }
    }
    Ok(())
}

/// The balancer itself tells the client, in the VIP's name.
#[test]
fn clients_are_told_how_much_of_an_upload_fits_into_the_tunnel() -> Result<()> {
    let tunnels: Vec<_> = Mode::all().filter(|mode| mode.is_tunnel()).collect();
    let cluster = Cluster::set("mtu-up", &tunnels)?;
    let agent = cluster.start_agent()?;
    for &mode in &tunnels {
        let mut connection = cluster.connect(mode)?;
        let client = connection.local_addr()?.ip();
        exchange(&mut connection, SIZE, 0).with_context(|| format!("{mode}: an upload"))?;
        assert_eq!(path_mtu(&cluster, Node::Client, client, mode.vip())?, Some(1500 - overhead(mode)), "{mode}");
    }
    for service in services(&agent)? {
        assert_eq!(service.too_big > 0, service.name.ends_with("tcp"), "{service:?}");
    }
    Ok(())
}

/// Bytes that packets are longer in a tunnel.
fn overhead(mode: Mode) -> u16 {
    match mode {
        Mode::L2Dsr(_) => 0,
        Mode::Tunnel(Tunnel { kind, outer, .. }) => {
            let ip = if outer == Family::V4 { 20 } else { 40 };
            if kind == Kind::Ipip { ip } else { ip + 12 }
        }
    }
}

/// What `node` has learned of the path from one address to another; `None` when it only knows its own link.
fn path_mtu(cluster: &Cluster, node: Node, from: IpAddr, to: IpAddr) -> Result<Option<u16>> {
    let route = cluster.scene().ip(node, &format!("route get {to} from {from}"))?;
    let mut words = route.split_whitespace().skip_while(|word| *word != "mtu").skip(1);
    Ok(words.next().map(str::parse).transpose()?)
}
