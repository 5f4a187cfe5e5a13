//! Back-ends that share their ticket keys: real web servers behind the VIP, with everything that the product has for it.

use anyhow::{Context, Result, ensure};
use lb_tests::scene::web_server::Kind;
use lb_tests::scene::{HOST, OpensslClient, TicketCluster, TlsClient, eventually};
use lb_user::control::types::{ProbeOutcome, RingStatus};
use lb_user::lab::Node;
use nix::sys::signal::Signal;
use rustls::HandshakeKind::{self, Full, Resumed};
use rustls::version::TLS12;
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

/// A visit of a client that keeps its session for the next one.
type Visit = Box<dyn Fn(SocketAddr) -> Result<HandshakeKind> + Send>;
/// A period so short that a test sees many of them.
const ROTATION: Duration = Duration::from_secs(3);
const SETTINGS: &str = "rotation = \"3s\"\nlifetime = \"3s\"\nguard = \"1s\"\nprobe-interval = \"1s\"";
/// How long clients come.
const LOAD: Duration = Duration::from_secs(14);

/// A client for TLS 1.2 and one for 1.3. Each has one ticket, and takes another when it gets one: rustls would use one of TLS 1.3 only once,
/// and OpenSSL takes none with a session of TLS 1.2 that is resumed.
fn clients(cluster: &TicketCluster) -> Result<[(&'static str, Visit); 2]> {
    let namespace = || cluster.scene().namespace(Node::Client);
    let old = TlsClient::new(namespace(), HOST, cluster.certificate(), &TLS12)?;
    let new = OpensslClient::new(namespace(), HOST, cluster.certificate(), "-tls1_3")?;
    Ok([("TLS 1.2", Box::new(move |server| old.visit(server))), ("TLS 1.3", Box::new(move |server| new.visit(server)))])
}

/// Sessions go on on all back-ends, while keys are rotated and one back-end gets each ring late.
fn sessions_go_on(name: &str, kind: Kind) -> Result<()> {
    let mut cluster = TicketCluster::start(name, kind, SETTINGS)?;
    let began = cluster.status()?.version;
    let clients = clients(&cluster)?;
    let vip = cluster.vip();
    let end = Instant::now() + LOAD;
    let kinds = thread::scope(|scope| {
        let come = |(version, visit): (&'static str, Visit)| {
            move || -> Result<(&str, Vec<HandshakeKind>)> {
                let mut kinds = Vec::new();
                while Instant::now() < end {
                    kinds.push(visit(vip)?);
                    thread::sleep(Duration::from_millis(25));
                }
                Ok((version, kinds))
            }
        };
        let visitors: Vec<_> = clients.into_iter().map(|client| scope.spawn(come(client))).collect();
        lag(&mut cluster, end)?;
        let join =
            |visitor: thread::ScopedJoinHandle<'_, Result<_>>| visitor.join().ok().context("a visitor panicked")?;
        visitors.into_iter().map(join).collect::<Result<Vec<_>>>()
    })?;
    let ring = cluster.status()?;
    ensure!(ring.version.term == began.term && ring.version.epoch >= began.epoch + 3, "{began} to {ring:?}");
    for (version, kinds) in kinds {
        let (visits, resumed) = (kinds.len(), kinds.iter().filter(|kind| **kind == Resumed).count());
        println!(
            "{name}, {version}: {resumed} of {visits} visits resumed, epoch {} to {}",
            began.epoch, ring.version.epoch
        );
        ensure!(visits > 100, "{version}: only {visits} visits");
        // The first one is made anew.
        ensure!(kinds[0] == Full && resumed * 100 >= (visits - 1) * 99, "{version}: {resumed} of {visits} resumed");
    }
    let full: u64 = ring.probes.iter().map(|probe| probe.full).sum();
    let resumed: u64 = ring.probes.iter().map(|probe| probe.resumed).sum();
    ensure!(ring.probes.len() == 4 && resumed > 20 && full * 50 <= resumed, "{:?}", ring.probes);
    Ok(())
}

/// Keeps the second back-end behind: it gets each ring when it is two seconds old.
fn lag(cluster: &mut TicketCluster, end: Instant) -> Result<()> {
    let mut seen_behind = 0;
    while Instant::now() < end {
        let version = cluster.status()?.version;
        cluster.nodes()[1].signal(Signal::SIGSTOP)?;
        eventually("the ring is rotated", || Ok(cluster.status()?.version != version))?;
        thread::sleep(ROTATION / 3);
        let ring = cluster.status()?;
        seen_behind += u32::from(ring.nodes[1].lag == Some(1) && ring.nodes[0].lag == Some(0));
        thread::sleep(ROTATION / 3);
        cluster.nodes()[1].signal(Signal::SIGCONT)?;
        eventually("it catches up", || Ok(cluster.status()?.nodes[1].lag == Some(0)))?;
    }
    ensure!(seen_behind >= 2, "the second back-end was behind only {seen_behind} times");
    Ok(())
}

#[test]
fn sessions_go_on_while_keys_rotate_nginx() -> Result<()> {
    sessions_go_on("tickets-nginx", Kind::Nginx)
}

#[test]
fn sessions_go_on_while_keys_rotate_haproxy() -> Result<()> {
    sessions_go_on("tickets-haproxy", Kind::HaProxy)
}

#[test]
fn a_ticket_older_than_the_ring_gets_a_full_handshake() -> Result<()> {
    let settings = "rotation = \"10m\"\nguard = \"0s\"\nprobe-interval = \"1s\"";
    let mut cluster = TicketCluster::start("tickets-old", Kind::Nginx, settings)?;
    let vip = cluster.vip();
    let sleepers = [clients(&cluster)?, clients(&cluster)?].into_iter().flatten().collect::<Vec<_>>();
    for (_, visit) in &sleepers {
        ensure!(visit(vip)? == Full);
    }
    let (early, late) = sleepers.split_at(2);
    rotate(&mut cluster)?;
    for (_, visit) in early {
        ensure!(visit(vip)? == Resumed, "its key only opens by now, but it opens");
    }
    rotate(&mut cluster)?;
    for (_, visit) in late {
        ensure!(visit(vip)? == Full, "its key is gone");
        ensure!(visit(vip)? == Resumed);
    }
    // All keys at once, and no connection fails.
    let before = cluster.status()?;
    let status = cluster.scene().ask("tickets revoke shop --json")?;
    ensure!(status.code == Some(0), "{status:?}");
    let revoked: RingStatus = serde_json::from_str(&status.stdout)?;
    ensure!(revoked.version.term > before.version.term && revoked.version.epoch == 1, "{revoked:?}");
    ensure!(before.keys.iter().all(|key| revoked.keys.iter().all(|new| new.id != key.id)), "{revoked:?}");
    all_have(&cluster, revoked.version.epoch)?;
    for (_, visit) in late {
        ensure!(visit(vip)? == Full, "nothing of before is resumed");
    }
    eventually("sessions are resumed everywhere, as the agent sees it", || {
        let ring = cluster.status()?;
        Ok(ring.probes.len() == 4 && ring.probes.iter().all(|probe| probe.outcome == ProbeOutcome::Resumed))
    })
}

/// Rotates the ring by hand, and waits until all nodes have it.
fn rotate(cluster: &mut TicketCluster) -> Result<()> {
    let epoch = cluster.status()?.version.epoch;
    let outcome = cluster.scene().ask("tickets rotate shop")?;
    ensure!(outcome.code == Some(0), "{outcome:?}");
    all_have(cluster, epoch + 1)
}

fn all_have(cluster: &TicketCluster, epoch: u64) -> Result<()> {
    eventually("all nodes have the ring", || {
        let ring = cluster.status()?;
        Ok(ring.version.epoch == epoch && ring.nodes.iter().all(|node| node.lag == Some(0)))
    })
}

#[test]
fn apache_shares_one_key_and_each_rotation_ends_its_sessions() -> Result<()> {
    let mut cluster = TicketCluster::start("tickets-apache", Kind::Apache, "rotation = \"10m\"\nguard = \"0s\"")?;
    let (vip, clients) = (cluster.vip(), clients(&cluster)?);
    for (_, visit) in &clients {
        ensure!(visit(vip)? == Full);
        for _ in 0..4 {
            ensure!(visit(vip)? == Resumed, "on either server");
        }
    }
    rotate(&mut cluster)?;
    for (_, visit) in &clients {
        ensure!(visit(vip)? == Full, "there is no key but the active one");
    }
    Ok(())
}

/// The lab's own servers: rustls, with the library's ticketer, whose keys are fetched from the agent in the servers' process.
#[test]
fn sessions_go_on_while_keys_rotate_rustls() -> Result<()> {
    let cluster = TicketCluster::start_rustls("tickets-rustls", 2, SETTINGS)?;
    let began = cluster.status()?.version;
    for (version, visit) in clients(&cluster)? {
        ensure!(visit(cluster.vip())? == Full);
        let end = Instant::now() + LOAD / 2;
        let (mut visits, mut resumed) = (0, 0);
        while Instant::now() < end {
            visits += 1;
            resumed += u32::from(visit(cluster.vip())? == Resumed);
            thread::sleep(Duration::from_millis(25));
        }
        println!("rustls, {version}: {resumed} of {visits} visits resumed");
        ensure!(visits > 50 && resumed * 100 >= visits * 99, "{version}: {resumed} of {visits} resumed");
    }
    let ring = cluster.status()?;
    ensure!(ring.version.epoch >= began.epoch + 3 && ring.probes.len() == 4, "{began} to {ring:?}");
    ensure!(ring.probes.iter().all(|probe| probe.outcome == ProbeOutcome::Resumed), "{:?}", ring.probes);
    Ok(())
}
