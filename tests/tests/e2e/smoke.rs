//! The least that works on every kernel that Handoff is for; `cargo xtask test vm` has it run on others than this one.

use anyhow::{Result, ensure};
use lb_common::decap::{Family, Kind, Tunnel};
use lb_tests::scene::{Cluster, Mode, SERVERS, exchange};
use std::net::TcpStream;

const IPIP: Tunnel = Tunnel { kind: Kind::Ipip, outer: Family::V4, inner: Family::V4 };
const MODES: [Mode; 2] = [Mode::L2Dsr(Family::V4), Mode::Tunnel(IPIP)];

/// Bytes of an upload and of a download: many packets.
const BYTES: u64 = 1_000_000;

#[test]
fn connections_are_handed_off_also_without_an_agent() -> Result<()> {
    let cluster = Cluster::set("smoke", &MODES)?;
    let agent = cluster.start_agent()?;
    let mut held = Vec::new();
    for mode in MODES {
        held.extend(in_turn(&cluster, mode)?);
    }
    agent.kill()?;
    stay(&mut held)?;
    for mode in MODES {
        held.extend(in_turn(&cluster, mode)?);
    }

    let agent = cluster.start_agent()?;
    stay(&mut held)?;
    for mode in MODES {
        in_turn(&cluster, mode)?;
        for backend in cluster.backends(&agent, mode, "tcp")? {
            assert_eq!(backend.new_flows, 3, "{mode}: {backend:?}");
        }
    }
    Ok(())
}

/// A connection that is open, and its server.
type Held = (TcpStream, String);

/// Opens a connection to each server, which all carry something both ways.
fn in_turn(cluster: &Cluster, mode: Mode) -> Result<Vec<Held>> {
    let open = |_| {
        let mut connection = cluster.connect(mode)?;
        let server = exchange(&mut connection, BYTES, BYTES)?;
        Ok((connection, server))
    };
    let opened: Vec<Held> = (0..SERVERS).map(open).collect::<Result<_>>()?;
    let mut servers: Vec<_> = opened.iter().map(|(_, server)| server.as_str()).collect();
    servers.sort_unstable();
    servers.dedup();
    ensure!(servers.len() == usize::from(SERVERS), "{mode}: not each server in its turn, but {servers:?}");
    Ok(opened)
}

/// Connections go on, with the servers that they were with.
fn stay(held: &mut [Held]) -> Result<()> {
    for (connection, server) in held {
        let now = exchange(connection, BYTES, BYTES)?;
        ensure!(now == *server, "a connection to {server} moved to {now}");
    }
    Ok(())
}
