//! A SYN flood: established connections do not notice, and new ones are served.

use anyhow::{Context, Result, ensure};
use lb_tests::scene::{ON_ETH0, Responder, Scene, Times, exchange, flood, packets, service, services};
use lb_user::control::types::ServiceStatus;
use lb_user::lab::topology::VIP;
use lb_user::lab::{Agent, Namespace, Node};
use std::net::{Ipv4Addr, SocketAddrV4, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, sleep};
use std::time::Duration;
use std::{fmt, panic};

const SERVICE: SocketAddrV4 = SocketAddrV4::new(VIP, 8000);
/// Where the server is that a flood past the balancer goes to.
const SERVER: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(198, 18, 1, 1), SERVICE.port());
const SERVERS: [(&str, &str); 3] = [("server-1", "198.18.1.1"), ("server-2", "198.18.1.2"), ("server-3", "198.18.1.3")];
/// Room for far fewer flows than the flood has. Half-open ones are remembered for a minute: as many as come in that time find a place.
const FLOW_TABLE: &str = "[flow-table]\nflows = 65536\n";
const FLOOD_ABOVE: &str = "flood-above = 1000\n";

/// Connections that are there before the flood.
const ESTABLISHED: usize = 200;
/// Connections of the flood, each from another source, and how many of them come in a second.
const FLOOD: u32 = 1_000_000;
const RATE: u32 = 100_000;

#[test]
fn connections_do_not_notice_a_flood() -> Result<()> {
    let scene = Scene::set("flood", 3)?;
    let start = |node: Node| Responder::exchanging(&scene.namespace(node), SERVICE.port(), &node.to_string());
    let _servers = scene.stage().topology().servers().map(start).collect::<Result<Vec<_>>>()?;
    let service = service("web", SERVICE.port(), "tcp", &SERVERS) + FLOOD_ABOVE;
    let agent = scene.start_agent_with(ON_ETH0, &format!("{FLOW_TABLE}{service}"))?;
    // So few ports that they are used again during the flood.
    scene.write(Node::Client, "ipv4/ip_local_port_range", "20000 20999")?;
    let client = scene.namespace(Node::Client);
    let mut established = client.run(|| (0..ESTABLISHED).map(|_| Connection::open()).collect::<Result<Vec<_>>>())??;

    let calm = Traffic::during(&client, &mut established, || {
        sleep(Duration::from_secs(3));
        Ok(())
    })?;
    // What the flood costs this machine in any case: all nodes share its CPUs.
    let past = Traffic::during(&client, &mut established, || client.run(|| flood(SERVER, 3 * RATE, RATE))?.map(drop))?;
    let before = status(&agent)?;
    assert_eq!((before.flood, before.unknown_flows), (0, 0), "{before:?}");
    let through = Traffic::during(&client, &mut established, || {
        let time = client.run(|| flood(SERVICE, FLOOD, RATE))??;
        println!("a flood of {FLOOD} connections in {time:.1?}");
        Ok(())
    })?;
    println!("calm: {calm}\npast the balancer: {past}\nthrough it: {through}");

    let after = status(&agent)?;
    println!("{} new flows, {} in the flood", after.new_flows - before.new_flows, after.flood);
    ensure!(
        after.flood + after.new_flows - before.new_flows >= u64::from(FLOOD) * 99 / 100,
        "SYNs got lost: {after:?}"
    );
    ensure!(after.flood > u64::from(FLOOD) * 9 / 10, "the flood was remembered: {after:?}");
    ensure!(after.dropped == 0 && after.table_full == 0, "{after:?}");
    // The first packet after a SYN that was not remembered is of an unknown flow. No other packet was.
    ensure!(
        after.unknown_flows <= through.new.count() as u64,
        "{after:?} with {} new connections",
        through.new.count()
    );
    through.is_like(&past)?;

    let remembered = packets(&agent, "remembered")?;
    established.iter_mut().try_for_each(Connection::ask)?;
    ensure!(packets(&agent, "remembered")? >= remembered + ESTABLISHED as u64, "packets of a known flow are missing");
    assert_eq!(status(&agent)?.unknown_flows, after.unknown_flows, "an established connection was forgotten");
    Ok(())
}

fn status(agent: &Agent) -> Result<ServiceStatus> {
    services(agent)?.into_iter().next().context("the agent has no service")
}

/// A connection to the service.
struct Connection {
    stream: TcpStream,
    /// Who answers.
    server: String,
}

impl Connection {
    /// Connects from the namespace of this thread, and asks for the first time.
    fn open() -> Result<Self> {
        const PATIENCE: Duration = Duration::from_secs(10);
        let mut stream = TcpStream::connect_timeout(&SERVICE.into(), PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let server = ask(&mut stream)?;
        Ok(Self { stream, server })
    }

    /// Asks once more.
    fn ask(&mut self) -> Result<()> {
        let server = ask(&mut self.stream)?;
        ensure!(server == self.server, "a connection with {} was moved to {server}", self.server);
        Ok(())
    }
}

fn ask(stream: &mut TcpStream) -> Result<String> {
    exchange(stream, 200, 10_000)
}

/// How long answers took. There were answers to all questions.
struct Traffic {
    /// Over connections that were there before.
    established: Times,
    /// Over connections of their own, from the beginning of each.
    new: Times,
}

impl Traffic {
    /// Asks over all connections in turn, some hundred times a second, and over new ones, almost a hundred, until `meanwhile` is done.
    fn during(
        client: &Namespace,
        connections: &mut [Connection],
        meanwhile: impl FnOnce() -> Result<()>,
    ) -> Result<Self> {
        const PAUSE: Duration = Duration::from_millis(1);
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            let next = || {
                connections.rotate_left(1);
                connections[0].ask()
            };
            let established = scope.spawn(|| Times::until(&done, PAUSE, next));
            let new =
                scope.spawn(|| client.run(|| Times::until(&done, 10 * PAUSE, || Connection::open().map(drop)))?);
            let outcome = meanwhile();
            done.store(true, Ordering::Relaxed);
            let [established, new] =
                [established, new].map(|thread| thread.join().unwrap_or_else(|it| panic::resume_unwind(it)));
            outcome?;
            Ok(Self {
                established: established.context("an established connection")?,
                new: new.context("a new connection")?,
            })
        })
    }

    /// Whether half of the questions, at least, were answered about as soon as usual, seen generously.
    fn is_like(&self, usual: &Self) -> Result<()> {
        for (times, usual) in [(&self.established, &usual.established), (&self.new, &usual.new)] {
            let bound = 10 * usual.median() + Duration::from_millis(20);
            ensure!(times.median() <= bound, "it usually takes {usual}, but took {times}");
        }
        Ok(())
    }
}

impl fmt::Display for Traffic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "established {}; new {}", self.established, self.new)
    }
}
