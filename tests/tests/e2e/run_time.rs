//! Changes at run time: configurations one after the other under load, back, and what operators say about back-ends.

use anyhow::{Context, Result, ensure};
use lb_tests::scene::{ON_ETH0, Outcome, Responder, Scene, Visitors, backends, configuration, eventually, service};
use lb_user::control::types::{BackendState, PlanReport};
use lb_user::lab::topology::VIP;
use lb_user::lab::{Agent, Node, SERVICE_NAME};
use std::fs;
use std::path::PathBuf;
use std::thread::sleep;
use std::time::{Duration, Instant};

const SERVERS: [(&str, &str); 3] = [("server-1", "198.18.1.1"), ("server-2", "198.18.1.2"), ("server-3", "198.18.1.3")];
const PORT: u16 = 8080;

#[test]
fn twenty_configurations_a_second_fail_no_request() -> Result<()> {
    const SECONDS: u64 = 30;
    const A_SECOND: u64 = 20;
    let scene = Scene::set("applies", 3)?;
    let _servers = servers(&scene)?;
    let agent = scene.start_agent_with(ON_ETH0, &variant(0))?;
    let visitors = Visitors::start(&scene.namespace(Node::Client), (VIP, PORT), 200)?;
    let file = scene.site().run_folder().join("next.toml");
    let start = Instant::now();
    let mut slowest = Duration::ZERO;
    for number in 1..=SECONDS * A_SECOND {
        sleep((start + Duration::from_millis(number * 1_000 / A_SECOND)).saturating_duration_since(Instant::now()));
        fs::write(&file, configuration(scene.site(), ON_ETH0, &variant(number)))?;
        let asked = Instant::now();
        let applied = scene.ask(&format!("apply {}", file.display()))?;
        ensure!(applied.code == Some(0), "configuration {number}: {applied:?}");
        slowest = slowest.max(asked.elapsed());
    }
    ensure!(start.elapsed() < Duration::from_secs(SECONDS + 5), "it took {:?}", start.elapsed());
    let visits = visitors.finish()?;
    let failed: Vec<_> = visits.iter().filter(|visit| visit.server.is_err()).collect();
    ensure!(failed.is_empty(), "{} of {} failed: {:?}", failed.len(), visits.len(), failed.first());
    ensure!(visits.len() as u64 > 190 * SECONDS, "only {} came", visits.len());
    let named = |name: &str| visits.iter().filter(|visit| visit.server.as_deref() == Ok(name)).count();
    let counts = SERVERS.map(|(name, _)| named(name));
    ensure!(counts.iter().all(|&count| count > 100), "{counts:?}");
    println!("{} requests by {counts:?}, none failed; the slowest apply took {slowest:?}", visits.len());
    drop(agent);
    Ok(())
}

/// One of many configurations: server-1 and server-3 stay, server-2 comes and goes, weights and schedulers change.
fn variant(number: u64) -> String {
    let scheduler =
        ["weighted-round-robin", "maglev", "weighted-least-connections", "source-hash"][(number / 2 % 4) as usize];
    let mut backends = vec![("server-1", "198.18.1.1", 1 + number % 5), ("server-3", "198.18.1.3", 3)];
    if !number.is_multiple_of(3) {
        backends.insert(1, ("server-2", "198.18.1.2", 1 + number % 2));
    }
    let backends: String = backends
        .into_iter()
        .map(|(name, address, weight)| format!("{{ name = \"{name}\", address = \"{address}\", weight = {weight} }},"))
        .collect();
    let service = format!("[[service]]\nname = \"files\"\nvip = \"{VIP}\"\nport = {PORT}\nscheduler = \"{scheduler}\"");
    format!("{service}\nbackends = [{backends}]\n")
}

#[test]
fn a_configuration_is_planned_applied_and_rolled_back() -> Result<()> {
    let scene = Scene::set("rollback", 3)?;
    let two =
        |servers: &[(&str, &str)]| configuration(scene.site(), ON_ETH0, &service(SERVICE_NAME, 443, "tcp", servers));
    let agent = scene.start_agent_with(ON_ETH0, &service(SERVICE_NAME, 443, "tcp", &SERVERS[..2]))?;
    let own: PathBuf = scene.site().config_file();
    let file = scene.site().run_folder().join("next.toml");
    fs::write(&file, two(&SERVERS[1..]))?;

    let planned = scene.ask(&format!("plan --json {}", file.display()))?;
    let report: PlanReport = serde_json::from_str(&planned.stdout).with_context(|| format!("{planned:?}"))?;
    assert_eq!(report.services.len(), 1);
    assert_eq!(names(&agent)?, ["server-1", "server-2"], "a plan changes nothing");
    let applied = scene.ask(&format!("apply {}", file.display()))?;
    ensure!(
        applied.stdout.contains("+ server-3 198.18.1.3") && applied.stdout.ends_with("generation 2 holds\n"),
        "{applied:?}"
    );
    assert_eq!(fs::read_to_string(&own)?, two(&SERVERS[1..]), "the agent's own file says what holds");
    eventually(
        "server-1 has left",
        || Ok(names(&agent)?.starts_with(&["server-2".to_owned(), "server-3".to_owned()])),
    )?;
    scene.requests_succeed()?;

    let back = scene.ask("rollback")?;
    ensure!(back.code == Some(0) && back.stdout.ends_with("generation 3 holds\n"), "{back:?}");
    assert_eq!(fs::read_to_string(&own)?, two(&SERVERS[..2]));
    scene.requests_succeed()?;

    fs::write(&own, "[agent\n")?;
    let refused = scene.ask("apply")?;
    ensure!(refused.code == Some(78) && refused.stderr.contains("is not TOML"), "{refused:?}");
    ensure!(scene.ask("plan")?.code == Some(78), "a plan for a broken file");
    scene.requests_succeed()?;
    fs::write(&own, two(&SERVERS))?;
    agent.signal_reload()?;
    eventually("SIGHUP is followed", || Ok(names(&agent)?.len() == 3))?;
    scene.requests_succeed()
}

#[test]
fn what_an_operator_says_holds_over_a_restart() -> Result<()> {
    let scene = Scene::set("verbs", 3)?;
    let _servers = servers(&scene)?;
    let services = service("files", PORT, "tcp", &SERVERS);
    let agent = scene.start_agent_with(ON_ETH0, &services)?;
    let visitors = Visitors::start(&scene.namespace(Node::Client), (VIP, PORT), 200)?;
    sleep(Duration::from_millis(500));
    let drained = scene.ask("drain server-2")?;
    ensure!(drained.code == Some(0) && drained.stdout.starts_with("files: server-2: weight 1, "), "{drained:?}");
    let state = |agent: &Agent| Ok::<_, anyhow::Error>(backends(agent)?[1].state);
    assert_eq!(state(&agent)?, BackendState::Draining);
    let before = backends(&agent)?[1].new_flows;
    agent.kill()?;
    let mut agent =
        Agent::start_with(&configuration(scene.site(), ON_ETH0, &services), scene.site(), &lb_tests::scene::program())?;
    eventually("the next agent answers", || {
        Ok(agent.is_running()? && backends(&agent).is_ok_and(|all| all.len() == 3))
    })?;
    assert_eq!(state(&agent)?, BackendState::Draining);
    sleep(Duration::from_secs(1));
    assert_eq!(backends(&agent)?[1].new_flows, before, "a drained back-end got new flows");

    ensure!(scene.ask("undrain server-2")?.code == Some(0));
    sleep(Duration::from_secs(1));
    ensure!(backends(&agent)?[1].new_flows > before, "it gets new flows again");
    ensure!(scene.ask("drain server-1")?.code == Some(0) && scene.ask("drain server-2")?.code == Some(0));
    let refused = scene.ask("drain server-3")?;
    ensure!(refused.code == Some(1) && refused.stderr.contains("min-ready"), "{refused:?}");
    ensure!(scene.ask("undrain server-1")?.code == Some(0) && scene.ask("undrain server-2")?.code == Some(0));
    let unknown = scene.ask("drain server-9")?;
    assert_eq!(unknown, Outcome::refusal(1, "there is no back-end \"server-9\": `handoff backends` lists them"));

    let visits = visitors.finish()?;
    let failed = visits.iter().filter(|visit| visit.server.is_err()).count();
    ensure!(failed == 0, "{failed} of {} failed", visits.len());
    Ok(())
}

fn names(agent: &Agent) -> Result<Vec<String>> {
    Ok(backends(agent)?.into_iter().map(|backend| backend.name).collect())
}

fn servers(scene: &Scene) -> Result<Vec<Responder>> {
    let start = |(name, server): (&str, Node)| Responder::tcp(&scene.namespace(server), PORT, name, 1);
    SERVERS.iter().map(|(name, _)| *name).zip(scene.stage().topology().servers()).map(start).collect()
}
