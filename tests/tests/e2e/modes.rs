//! Every way in which packets get to a back-end, for both families of VIP and of back-end: whatever is sent arrives, and answers do not
//! come by the balancer.

use anyhow::{Context, Result, ensure};
use lb_tests::scene::{Cluster, Mode, SERVERS, Tap, backends, echo, eventually, exchange, services, verdicts};
use lb_user::lab::{Agent, Node};
use std::iter::repeat_n;
use std::panic;
use std::thread;
use std::time::Instant;

/// Bytes of a download, which several connections share.
const SIZE: u64 = 100_000_000;
/// Connections of a download to each server.
const CONNECTIONS: usize = 2;
/// Flows of datagrams to each server.
const FLOWS: usize = 10;
/// Datagrams of each flow.
const DATAGRAMS: usize = 3;
/// Bytes of a datagram.
const DATAGRAM: u64 = 1_000;

const ALL_CONNECTIONS: usize = CONNECTIONS * SERVERS as usize;
const ALL_FLOWS: usize = FLOWS * SERVERS as usize;

#[test]
fn l2_dsr() -> Result<()> {
    everything_arrives("l2-dsr")
}

#[test]
fn ipip() -> Result<()> {
    everything_arrives("ipip")
}

#[test]
fn gue() -> Result<()> {
    everything_arrives("gue")
}

fn everything_arrives(forwarding: &str) -> Result<()> {
    let modes: Vec<_> = Mode::all().filter(|mode| mode.forwarding() == forwarding).collect();
    let mut cluster = Cluster::set(&format!("modes-{forwarding}"), &modes)?;
    let agent = cluster.start_agent()?;
    let mut tap = Tap::at(&cluster.scene().namespace(Node::Balancer))?;
    for &mode in &modes {
        let start = Instant::now();
        served_evenly(download(&cluster, mode)?, CONNECTIONS);
        println!("{mode}: {} MB/s", u128::from(SIZE) / start.elapsed().as_micros());
        served_evenly(echo_by_flows(&cluster, mode)?, FLOWS);
        balancer_agrees(&mut cluster, &agent, mode).with_context(|| mode.to_string())?;
    }
    counters_agree(&agent)?;
    let returned = tap.sources()?.into_iter().find(|source| modes.iter().any(|mode| mode.vip() == *source));
    ensure!(returned.is_none(), "an answer came by the balancer, from {returned:?}");
    Ok(())
}

/// Downloads content by all connections at once. Returns the server of each.
fn download(cluster: &Cluster, mode: Mode) -> Result<Vec<String>> {
    let connections = (0..ALL_CONNECTIONS).map(|_| cluster.connect(mode)).collect::<Result<Vec<_>>>()?;
    let share = SIZE.div_ceil(ALL_CONNECTIONS as u64);
    thread::scope(|scope| {
        let start = |mut connection| scope.spawn(move || exchange(&mut connection, 0, share));
        let downloads: Vec<_> = connections.into_iter().map(start).collect();
        let ends = downloads.into_iter().map(|download| download.join().unwrap_or_else(|it| panic::resume_unwind(it)));
        ends.collect()
    })
}

/// Sends datagrams of several flows. Returns the server of each flow.
fn echo_by_flows(cluster: &Cluster, mode: Mode) -> Result<Vec<String>> {
    // All at once: the port of a socket that is closed may be that of the next one, whose datagrams would belong to the same flow.
    let sockets = (0..ALL_FLOWS).map(|_| cluster.socket(mode)).collect::<Result<Vec<_>>>()?;
    let flow = |socket| {
        let server = echo(socket, DATAGRAM)?;
        for _ in 1..DATAGRAMS {
            assert_eq!(echo(socket, DATAGRAM)?, server, "{mode}: a flow was moved");
        }
        Ok(server)
    };
    sockets.iter().map(flow).collect()
}

fn served_evenly(mut servers: Vec<String>, each: usize) {
    servers.sort();
    let expected = (1..=SERVERS).flat_map(|number| repeat_n(Node::Server(number).to_string(), each));
    assert_eq!(servers, expected.collect::<Vec<_>>());
}

/// The balancer has counted what the client did, and what came out of the tunnels.
fn balancer_agrees(cluster: &mut Cluster, agent: &Agent, mode: Mode) -> Result<()> {
    for (protocol, flows) in [("tcp", CONNECTIONS), ("udp", FLOWS)] {
        for backend in cluster.backends(agent, mode, protocol)? {
            assert_eq!(backend.new_flows, flows as u64, "{backend:?}");
            ensure!(protocol == "tcp" || backend.packets == (FLOWS * DATAGRAMS) as u64, "{backend:?}");
        }
    }
    if !mode.is_tunnel() {
        return Ok(());
    }
    // The last packets of connections may still be on their way.
    eventually("as many packets come out of tunnels as went in", || {
        let [tcp, udp] = ["tcp", "udp"].map(|protocol| cluster.backends(agent, mode, protocol));
        let went_in: Vec<_> = tcp?.iter().zip(udp?).map(|(tcp, udp)| tcp.packets + udp.packets).collect();
        Ok(cluster.decapsulated(mode)? == went_in)
    })
}

/// Verdicts, services and back-ends tell of the same packets.
fn counters_agree(agent: &Agent) -> Result<()> {
    eventually("all counters agree", || {
        let forwarded = verdicts(agent)?.into_iter().filter(|verdict| verdict.action == "forwarded");
        let by_verdict: u64 = forwarded.map(|verdict| verdict.packets).sum();
        let by_service: u64 = services(agent)?.iter().map(|service| service.packets).sum();
        let by_backend: u64 = backends(agent)?.iter().map(|backend| backend.packets).sum();
        Ok(by_service == by_verdict && by_backend == by_verdict)
    })
}
