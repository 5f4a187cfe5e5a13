//! Back-ends that fail get no new connections, and come back little by little.

use anyhow::{Context, Result, ensure};
use lb_tests::scene::{ON_ETH0, Responder, Scene, Visit, Visitors, backends, eventually, service};
use lb_user::control::types::{BackendState, BackendStatus};
use lb_user::lab::topology::VIP;
use lb_user::lab::{Agent, Node};
use std::thread::sleep;
use std::time::{Duration, Instant};

const SERVERS: [(&str, &str); 3] = [("server-1", "198.18.1.1"), ("server-2", "198.18.1.2"), ("server-3", "198.18.1.3")];
const PORT: u16 = 8080;
const RATE: u32 = 200;
/// Within that, a back-end that is dead gets no new connections any more.
const NOTICED: Duration = Duration::from_secs(1);
const VICTIM: usize = 1;

#[test]
fn a_server_that_ends_gets_no_connection_after_a_second_and_comes_back_slowly() -> Result<()> {
    let scene = Scene::set("health", 3)?;
    let mut servers = servers(&scene)?;
    let agent = start(&scene, "slow-start = \"5s\"")?;
    let visitors = Visitors::start(&scene.namespace(Node::Client), (VIP, PORT), RATE)?;
    sleep(Duration::from_secs(1));

    let before = victim(&agent)?;
    let died = Instant::now();
    drop(servers.remove(VICTIM));
    let lost = dead_and_noticed(&agent, &visitors, died, &before)?;
    ensure!(lost > 0, "the server's end was not noticed by anyone");

    let returned = Instant::now();
    servers.insert(VICTIM, responder(&scene, VICTIM)?);
    eventually("server-2 starts", || Ok(victim(&agent)?.state == BackendState::Starting))?;
    let share = |from: &[BackendStatus], to: &[BackendStatus]| {
        let new: Vec<u64> = from.iter().zip(to).map(|(from, to)| to.new_flows - from.new_flows).collect();
        new[VICTIM] as f64 / new.iter().sum::<u64>() as f64
    };
    let start = backends(&agent)?;
    sleep(Duration::from_millis(1_000));
    let early = share(&start, &backends(&agent)?);
    eventually("server-2 gets its whole share", || Ok(victim(&agent)?.state == BackendState::Ready))?;
    let full = backends(&agent)?;
    sleep(Duration::from_secs(1));
    let late = share(&full, &backends(&agent)?);
    ensure!(early > 0.0 && early < 0.25, "slow start: {early:.3} of the new flows in its first second");
    ensure!((0.30..0.36).contains(&late), "after the slow start: {late:.3} of the new flows");

    let visits = visitors.finish()?;
    let failed: Vec<_> = visits.iter().filter(|visit| visit.began > returned && visit.server.is_err()).collect();
    ensure!(failed.is_empty(), "failed after the return: {failed:?}");
    println!("lost {lost} connections; a share of {early:.3} in the first second, {late:.3} after the slow start");
    Ok(())
}

#[test]
fn a_host_that_falls_silent_gets_no_connection_after_a_second() -> Result<()> {
    let scene = Scene::set("silent", 3)?;
    let _servers = servers(&scene)?;
    let agent = start(&scene, "")?;
    let visitors = Visitors::start(&scene.namespace(Node::Client), (VIP, PORT), RATE)?;
    sleep(Duration::from_secs(1));
    let before = victim(&agent)?;
    let died = Instant::now();
    // The balancer's link stays up: nothing but silence tells that the host is gone.
    scene.ip(Node::Server(VICTIM as u8 + 1), "link set eth0 down")?;
    let lost = dead_and_noticed(&agent, &visitors, died, &before)?;
    visitors.finish()?;
    println!("lost {lost} connections");
    Ok(())
}

#[test]
fn when_all_are_down_new_flows_go_to_all_or_to_none() -> Result<()> {
    for (all_down, state) in [("open", "new flows go to all"), ("drop", "new flows are dropped")] {
        let scene = Scene::set(&format!("all-down-{all_down}"), 3)?;
        // Nothing listens on the port that is checked.
        let _servers = servers(&scene)?;
        let health = format!("health = {{ type = \"tcp\", port = 9 }}\nall-down = \"{all_down}\"\n");
        let services = service("web", PORT, "tcp", &SERVERS).replace("backends", &(health + "backends"));
        let agent = scene.start_agent_with(ON_ETH0, &services);
        let is_down = |status: &BackendStatus| status.state == BackendState::Down;
        let agent = match agent {
            Ok(agent) => agent,
            Err(error) => return Err(error.context("the agent was not ready before its first checks")),
        };
        eventually("all are down", || Ok(backends(&agent)?.iter().all(is_down)))?;
        let served = scene.connect((VIP, PORT)).is_ok();
        ensure!(served == (all_down == "open"), "all-down = {all_down}: served: {served}");
        let log = std::fs::read_to_string(scene.site().agent_log())?;
        ensure!(log.contains(&format!("no back-end passes its health check: {state}")), "{log}");
    }
    Ok(())
}

#[test]
fn a_server_without_the_vip_is_down_by_way_of_the_vip_and_up_at_its_own_address() -> Result<()> {
    let scene = Scene::set("no-vip", 3)?;
    let _servers = servers(&scene)?;
    let by = |name: &str, port: u16, via: &str| {
        let health = format!("health = {{ type = \"tcp\", via = \"{via}\", port = {PORT} }}\nbackends");
        service(name, port, "tcp", &SERVERS).replace("backends", &health)
    };
    let agent = scene.start_agent_with(ON_ETH0, &(by("vip", PORT, "vip") + &by("address", PORT + 1, "address")))?;
    let states = |agent: &Agent| -> Result<Vec<BackendState>> {
        Ok(backends(agent)?.iter().map(|backend| backend.state).collect())
    };
    let checked = |agent: &Agent| {
        Ok(backends(agent)?.iter().all(|it| it.health.as_ref().is_some_and(|it| it.latency_ms.is_some())))
    };
    eventually("every check has passed once", || checked(&agent))?;
    assert_eq!(states(&agent)?, [BackendState::Ready; 6]);

    let vip = format!("{VIP}/32");
    scene.ip(Node::Server(VICTIM as u8 + 1), &format!("addr del {vip} dev lo"))?;
    let mut expected = [BackendState::Ready; 6];
    expected[VICTIM] = BackendState::Down;
    eventually("the server without the VIP is down by way of it", || Ok(states(&agent)? == expected))?;
    sleep(NOTICED);
    assert_eq!(states(&agent)?, expected, "at its own address it answers");

    scene.ip(Node::Server(VICTIM as u8 + 1), &format!("addr add {vip} dev lo"))?;
    eventually("it is back", || Ok(states(&agent)? == [BackendState::Ready; 6]))
}

/// Waits until the victim has been noticed; returns how many connections were lost. All of them were the victim's, and after a
/// second there were none.
fn dead_and_noticed(agent: &Agent, visitors: &Visitors, died: Instant, before: &BackendStatus) -> Result<u64> {
    sleep(NOTICED.saturating_sub(died.elapsed()));
    let noticed = victim(agent)?;
    ensure!(noticed.state == BackendState::Down, "after {NOTICED:?}: {noticed:?}");
    ensure!(noticed.health.as_ref().is_some_and(|health| health.last_error.is_some()), "{noticed:?}");
    sleep(Duration::from_secs(3));
    let later = victim(agent)?;
    assert_eq!(later.new_flows, noticed.new_flows, "a dead back-end got new flows");
    let visits = visitors.visits();
    let failed: Vec<&Visit> = visits.iter().filter(|visit| visit.server.is_err()).collect();
    let late: Vec<_> = failed.iter().filter(|visit| visit.began > died + NOTICED).collect();
    ensure!(late.is_empty(), "failed when the back-end had been noticed: {late:?}");
    // The last ones before its end may have been under way.
    let its_own = noticed.new_flows - before.new_flows + 5;
    ensure!(failed.len() as u64 <= its_own, "{} failed, and the dead back-end got {its_own} at most", failed.len());
    Ok(failed.len() as u64)
}

fn victim(agent: &Agent) -> Result<BackendStatus> {
    backends(agent)?.into_iter().nth(VICTIM).context("there is a second back-end")
}

fn start(scene: &Scene, more: &str) -> Result<Agent> {
    let health = format!("health = {{ type = \"tcp\" }}\n{more}\nbackends");
    let services = service("web", PORT, "tcp", &SERVERS).replace("backends", &health);
    let agent = scene.start_agent_with(ON_ETH0, &services)?;
    let is_checked = |backend: &BackendStatus| backend.health.as_ref().is_some_and(|it| it.latency_ms.is_some());
    eventually("every back-end has answered a check", || Ok(backends(&agent)?.iter().all(is_checked)))?;
    Ok(agent)
}

fn servers(scene: &Scene) -> Result<Vec<Responder>> {
    (0..SERVERS.len()).map(|index| responder(scene, index)).collect()
}

fn responder(scene: &Scene, index: usize) -> Result<Responder> {
    Responder::tcp(&scene.namespace(Node::Server(index as u8 + 1)), PORT, SERVERS[index].0, 1)
}
