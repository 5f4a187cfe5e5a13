//! Has things happen, and undoes them.

use super::plan::{Event, Lane, Plan};
use super::squeeze::Squeeze;
use super::stage::{SERVERS, Shared, Stage, lock};
use crate::scene::flood;
use anyhow::{Result, ensure};
use lb_user::lab::Node;
use lb_user::lab::topology::VIP;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::net::SocketAddrV4;
use std::sync::atomic::Ordering;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// SYNs of a flood in a second.
const FLOOD_RATE: u32 = 50_000;
/// How long after a back-end is back its former connections may be found to be gone.
const AFTERMATH: Duration = Duration::from_millis(1_500);

/// Has the events of a lane happen until the end. Returns how many did.
pub(super) fn run(lane: Lane, seed: u64, stage: &Stage, shared: &Shared) -> u64 {
    let mut happened = 0;
    for (pause, event) in Plan::new(lane, SERVERS, seed) {
        idle(pause, shared);
        let open = shared.gate();
        if shared.is_over() {
            break;
        }
        shared.tell(&event.to_string());
        if let Err(error) = happen(event, stage, shared) {
            shared.problem(format!("{event}: {error:#}"));
        }
        drop(open);
        happened += 1;
    }
    happened
}

fn idle(pause: Duration, shared: &Shared) {
    let until = Instant::now() + pause;
    while !shared.is_over() && Instant::now() < until {
        sleep(Duration::from_millis(100));
    }
}

fn happen(event: Event, stage: &Stage, shared: &Shared) -> Result<()> {
    let scene = stage.scene();
    match event {
        Event::Kill(server, time) => out(server, shared, || {
            stage.end_server(server);
            sleep(time);
            stage.start_server(server)
        }),
        Event::Cut(server, time) => out(server, shared, || link_down(stage, Node::Server(server), time)),
        Event::Drain(server, time) => {
            stage.ask(&format!("drain --force server-{server}"))?;
            sleep(time);
            stage.ask(&format!("undrain server-{server}"))
        }
        Event::Weigh(server, weight, time) => {
            stage.ask(&format!("weight server-{server} {weight}"))?;
            sleep(time);
            stage.ask(&format!("weight server-{server} --reset"))
        }
        Event::Remove(server, time) => {
            stage.change(|settings| settings.without = Some(server))?;
            sleep(time);
            stage.change(|settings| settings.without = None)
        }
        Event::Crash(time) => stage.replace_agent(time, false, |agent| Ok(agent.kill()?)),
        Event::Restart(time) => stage.replace_agent(time, false, terminate),
        Event::Upgrade => stage.replace_agent(Duration::ZERO, true, terminate),
        Event::Stall(time) => stage.without_answers(|| {
            let agent = Pid::from_raw(stage.process().try_into()?);
            kill(agent, Signal::SIGSTOP)?;
            sleep(time);
            Ok(kill(agent, Signal::SIGCONT)?)
        }),
        Event::LinkDown(time) => {
            shared.links_up.fetch_add(1, Ordering::Relaxed);
            link_down(stage, Node::Balancer, time)
        }
        Event::Mtu(mtu, time) => {
            scene.ip(Node::Balancer, &format!("link set dev eth0 mtu {mtu}"))?;
            sleep(time);
            scene.ip(Node::Balancer, "link set dev eth0 mtu 1500").map(drop)
        }
        Event::ForgetNeighbours => scene.ip(Node::Balancer, "neigh flush dev eth0").map(drop),
        Event::NewAddress(server, last) => {
            // As virtual machines do when they move: with a gratuitous ARP.
            scene.write(Node::Server(server), "ipv4/conf/eth0/arp_notify", "1")?;
            let address = format!("02:00:00:00:{server:02x}:{last:02x}");
            scene.ip(Node::Server(server), &format!("link set dev eth0 address {address}")).map(drop)
        }
        Event::Flood(packets) => {
            let target = SocketAddrV4::new(VIP, super::clients::PORT);
            scene.namespace(Node::Client).run(|| flood(target, packets, FLOOD_RATE))?.map(drop)
        }
        Event::Squeeze(time) => {
            let Some(squeeze) = Squeeze::begin(stage.process())? else { return Ok(()) };
            sleep(time);
            squeeze.end()
        }
        Event::ClockJump(seconds, time) => {
            stage.turn_clock(seconds)?;
            sleep(time);
            stage.turn_clock(0)
        }
        Event::Rotate => stage.ask("tickets rotate shop --force"),
        Event::Capture(packets) => {
            let file = stage.folder().join("captured.pcapng");
            stage.ask(&format!("capture --count {packets} --duration 20s --write {}", file.display()))?;
            let size = file.metadata()?.len();
            ensure!(size > 0, "{} is empty", file.display());
            Ok(std::fs::remove_file(file)?)
        }
        Event::Schedule(scheduler) => stage.change(|settings| settings.scheduler = scheduler),
        Event::RollBack => {
            // Nobody else changes anything between the two.
            let settings = lock(&stage.settings);
            let mut others = *settings;
            others.scheduler = if others.scheduler == "maglev" { "source-hash" } else { "maglev" };
            stage.apply(others)?;
            stage.ask("rollback --force")?;
            // An agent that was killed just then may have taken back one more.
            stage.apply(*settings)
        }
    }
}

fn terminate(agent: lb_user::lab::Agent) -> Result<()> {
    let status = agent.terminate()?;
    ensure!(status.success(), "the agent did not end in good order ({status})");
    Ok(())
}

/// A back-end is out while `work` is done.
fn out(server: u8, shared: &Shared, work: impl FnOnce() -> Result<()>) -> Result<()> {
    let name = format!("server-{server}");
    lock(&shared.ledger).goes(&name, shared.now());
    let done = work();
    sleep(AFTERMATH);
    lock(&shared.ledger).is_back(&name, shared.now());
    done
}

fn link_down(stage: &Stage, node: Node, time: Duration) -> Result<()> {
    stage.scene().ip(node, "link set dev eth0 down")?;
    sleep(time);
    stage.scene().ip(node, "link set dev eth0 up").map(drop)
}
