//! What the agent takes: for changes, at rest, and while many connections begin.

use super::shape::{Axis, Shape};
use crate::harness::Harness;
use crate::line::Line;
use crate::packet::Packet;
use crate::{stay_on_one_cpu, use_all_cpus};
use anyhow::{Context, Result, ensure};
use lb_tests::figures::Summary;
use lb_tests::scene::{ON_ETH0, Scene, configuration, services};
use lb_user::lab::Agent;
use procfs::process::Process;
use procfs::ticks_per_second;
use serde::Serialize;
use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long changes take, from the start of `handoff apply` to its end, in milliseconds.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Changes {
    /// From a single small service to all that there is.
    pub(crate) all: Summary,
    /// One back-end more or less in all that there is.
    pub(crate) one: Summary,
    /// Resident memory of the agent afterwards, in MiB.
    pub(crate) memory: f64,
}

/// An agent while it is watched.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct AtWork {
    /// What it does.
    pub(crate) what: String,
    /// Share of one CPU that it takes, in percent.
    pub(crate) cpu: f64,
    /// Its resident memory, in MiB.
    pub(crate) memory: f64,
}

/// The least that there may be.
const LEAST: Shape = Shape { services: 1, backends: 3, flows: 1 << 10, prefixes: 0 };
/// Services that are removed give their numbers back soon.
const AGENT: &str = "interfaces = [\"eth0\"]\nremoval-grace = \"1s\"";
/// How long it takes until they have.
const GRACE: Duration = Duration::from_secs(2);
/// How long an agent is watched.
const TIME: Duration = Duration::from_secs(5);
/// Rounds of changes: each waits for the removal grace.
pub(super) const ROUNDS: usize = 3;
/// New flows a second of the load.
const RATE: u32 = 200_000;

/// Measures changes to each shape, with an agent of its own for each; none for flows, which no configuration has.
pub(crate) fn changes(shapes: &[(Axis, Shape)]) -> Result<Vec<Option<Changes>>> {
    let scene = Scene::set("scale", 1)?;
    let measure = |&(axis, shape): &(Axis, Shape)| {
        eprintln!("changes: {}: {}", axis.title(), shape.along(axis));
        (axis != Axis::Flows).then(|| changes_of(&scene, shape)).transpose()
    };
    shapes.iter().map(measure).collect()
}

fn changes_of(scene: &Scene, shape: Shape) -> Result<Changes> {
    let agent = scene.start_agent_with(AGENT, &LEAST.services(0))?;
    let (mut all, mut one) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        all.push(apply(scene, shape, 0)?);
        one.push(apply(scene, shape, 1)?);
        one.push(apply(scene, shape, 0)?);
        apply(scene, LEAST, 0)?;
        sleep(GRACE);
    }
    apply(scene, shape, 0)?;
    let memory = memory(&agent)?;
    agent.terminate()?;
    ensure!(scene.purge()?.code == Some(0), "cannot stop forwarding");
    let summary = |samples: &[f64]| Summary::of(samples).context("no rounds");
    Ok(Changes { all: summary(&all)?, one: summary(&one)?, memory })
}

/// Milliseconds until the configuration holds.
fn apply(scene: &Scene, shape: Shape, fewer: u32) -> Result<f64> {
    let file = scene.site().run_folder().join("next.toml");
    fs::write(&file, configuration(scene.site(), AGENT, &shape.services(fewer)))?;
    let start = Instant::now();
    let outcome = scene.ask(&format!("apply --force {}", file.display()))?;
    let time = start.elapsed();
    ensure!(outcome.code == Some(0), "{outcome:?}");
    Ok(time.as_secs_f64() * 1e3)
}

/// Watches agents: at rest with little and with much, and while flows begin.
pub(crate) fn at_work(harness: &mut Harness) -> Result<Vec<AtWork>> {
    let scene = Scene::set("scale-work", 1)?;
    let mut watched = Vec::new();
    for shape in [LEAST, Shape { services: 1_024, ..LEAST }] {
        let agent = scene.start_agent_with(ON_ETH0, &shape.services(0))?;
        sleep(Duration::from_secs(2));
        let what = format!("at rest, {} services", shape.services);
        watched.push(watch(&agent, what, || {
            sleep(TIME);
            Ok(())
        })?);
        agent.terminate()?;
        ensure!(scene.purge()?.code == Some(0), "cannot stop forwarding");
    }
    let agent = scene.start_agent_with(ON_ETH0, &LEAST.services(0))?;
    let mut line = Line::to_balancer(harness, &scene, Packet::Syn, 1 << 32)?;
    let new_flows = || Ok::<_, anyhow::Error>(services(&agent)?.iter().map(|service| service.new_flows).sum::<u64>());
    let (before, start) = (new_flows()?, Instant::now());
    let mut busy = watch(&agent, String::new(), || {
        // The agent has the other CPUs.
        stay_on_one_cpu()?;
        line.evenly(RATE, TIME).map(drop)
    })?;
    let rate = (new_flows()? - before) as f64 / start.elapsed().as_secs_f64();
    use_all_cpus()?;
    busy.what = format!("{rate:.0} new flows a second, {RATE} offered");
    watched.push(busy);
    Ok(watched)
}

/// What the agent takes while `work` is done.
fn watch(agent: &Agent, what: String, work: impl FnOnce() -> Result<()>) -> Result<AtWork> {
    let (before, start) = (cpu_time(agent)?, Instant::now());
    work()?;
    let cpu = (cpu_time(agent)? - before) / start.elapsed().as_secs_f64() * 100.0;
    Ok(AtWork { what, cpu, memory: memory(agent)? })
}

/// Seconds of CPU time that its process has taken.
fn cpu_time(agent: &Agent) -> Result<f64> {
    let stat = Process::new(agent.id().try_into()?)?.stat()?;
    Ok((stat.utime + stat.stime) as f64 / ticks_per_second() as f64)
}

fn memory(agent: &Agent) -> Result<f64> {
    let resident = Process::new(agent.id().try_into()?)?.status()?.vmrss.context("the agent has no memory")?;
    Ok(resident as f64 / 1024.0)
}
