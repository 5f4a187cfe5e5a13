//! Agents are killed, stopped and upgraded under load: no request fails, and no connection moves.

use anyhow::{Context, Result, ensure};
use lb_tests::scene::{Attached, Held, ON_ETH0, Scene, all_succeeded, other_release, program, service};
use lb_user::lab::{Agent, Load, SERVICE_NAME};
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

const SERVERS: [(&str, &str); 3] = [("server-1", "198.18.1.1"), ("server-2", "198.18.1.2"), ("server-3", "198.18.1.3")];
/// Requests a second, each a connection of its own.
const RATE: u32 = 500;
/// Connections that stay open.
const HELD: usize = 60;
/// How long things stay as they are in between.
const WHILE: Duration = Duration::from_millis(700);

#[test]
fn an_upgrade_to_another_program_and_back() -> Result<()> {
    let under_load = UnderLoad::begin("upgrade")?;
    let other = other_release(under_load.scene.site().run_folder().as_path())?;
    under_load.go_on(|scene, held, agent| {
        let first = attached(scene)?;
        ensure!(agent.terminate()?.success(), "the agent did not end in good order");
        let agent = start(scene, &other)?;
        let second = attached(scene)?;
        ensure!(first.tag != second.tag, "both programs are the same: {first:?}, {second:?}");
        held.stay()?;
        sleep(WHILE);
        // A roll-back, after the agent has crashed.
        agent.kill()?;
        let agent = start(scene, &program())?;
        let third = attached(scene)?;
        assert_eq!((&third.tag, third.is_native), (&first.tag, first.is_native));
        ensure!(third.program != first.program, "the program was not replaced");
        Ok(agent)
    })
}

#[test]
fn an_agent_is_killed_and_started_again_and_again() -> Result<()> {
    UnderLoad::begin("crashes")?.go_on(|scene, held, mut agent| {
        for _ in 0..3 {
            agent.kill()?;
            sleep(WHILE);
            held.stay()?;
            agent = start(scene, &program())?;
            held.stay()?;
        }
        Ok(agent)
    })
}

#[test]
fn an_agent_is_stopped_and_started_again_and_again() -> Result<()> {
    UnderLoad::begin("stops")?.go_on(|scene, held, mut agent| {
        for _ in 0..3 {
            ensure!(agent.terminate()?.success(), "the agent did not end in good order");
            sleep(WHILE);
            held.stay()?;
            agent = start(scene, &program())?;
            held.stay()?;
        }
        Ok(agent)
    })
}

/// An agent with requests and connections.
struct UnderLoad {
    agent: Agent,
    load: Load,
    held: Held,
    // The last one to be dropped: the others are in its namespaces.
    scene: Scene,
}

impl UnderLoad {
    fn begin(name: &str) -> Result<Self> {
        let scene = Scene::set(name, 3)?;
        let agent = start(&scene, &program())?;
        let held = Held::open(&scene, HELD)?;
        let load = scene.start_load(RATE)?;
        sleep(WHILE);
        Ok(Self { agent, load, held, scene })
    }

    /// Has `happen` what is to be noticed by nobody, and looks whether somebody did.
    fn go_on(self, happen: impl FnOnce(&Scene, &mut Held, Agent) -> Result<Agent>) -> Result<()> {
        let Self { agent, load, mut held, scene } = self;
        let agent = happen(&scene, &mut held, agent)?;
        sleep(WHILE);
        held.stay()?;
        let tally = load.tally();
        ensure!(tally.ok > 500, "there was hardly any load: {tally:?}");
        all_succeeded(load)?;
        drop(agent);
        Ok(())
    }
}

fn start(scene: &Scene, program: &Path) -> Result<Agent> {
    let services = service(SERVICE_NAME, 443, "tcp", &SERVERS) + &Held::service(&SERVERS);
    scene.start_agent_of(program, ON_ETH0, &services)
}

fn attached(scene: &Scene) -> Result<Attached> {
    scene.attached("eth0")?.context("no program is attached")
}
