//! `handoff top` in real terminals, with a real agent.

use anyhow::{Context, Result, ensure};
use lb_tests::scene::{Held, ON_ETH0, Scene, Terminal, backends, eventually, handoff, outcome, program, services};
use lb_user::control::types::BackendState;
use lb_user::lab::Agent;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

const SERVERS: [(&str, &str); 3] = [("server-1", "198.18.1.1"), ("server-2", "198.18.1.2"), ("server-3", "198.18.1.3")];
const SMALL: (u16, u16) = (80, 24);
const LARGE: (u16, u16) = (200, 50);
/// Connections that stay open.
const CONNECTIONS: usize = 6;

/// Opens a terminal, and starts `handoff top` in it.
fn top(scene: &Scene, size: (u16, u16), environment: &str) -> Result<Terminal> {
    let terminal = Terminal::open(&scene.site().run_folder(), size)?;
    let (program, socket) = (program(), scene.site().control_socket());
    terminal.run(&format!("{environment} {} top --socket {}; echo ended $?", program.display(), socket.display()))?;
    shows(&terminal, "1 Overview")?;
    ensure!(terminal.is_covered()?);
    Ok(terminal)
}

fn shows(terminal: &Terminal, text: &str) -> Result<()> {
    let shown = eventually(text, || Ok(terminal.screen()?.contains(text)));
    shown.with_context(|| terminal.screen().unwrap_or_default())
}

/// The line that begins with `name`, without commas between thousands.
fn row(terminal: &Terminal, name: &str) -> Result<Vec<String>> {
    let screen = terminal.screen()?;
    let line = screen.lines().find(|line| line.starts_with(name)).with_context(|| format!("no {name} in {screen}"))?;
    Ok(line.replace(',', "").split_whitespace().map(str::to_owned).collect())
}

#[test]
fn the_numbers_are_those_of_the_command_line_at_any_size() -> Result<()> {
    let scene = Scene::set("top", 3)?;
    let agent = scene.start_agent_with(ON_ETH0, &Held::service(&SERVERS))?;
    let _held = Held::open(&scene, CONNECTIONS)?;
    let terminal = top(&scene, SMALL, "")?;
    shows(&terminal, "3 of 3 back-ends ready")?;
    shows(&terminal, "live flows 6, at most 6")?;
    ensure!(terminal.screen()?.contains("clients' half only"));

    terminal.press(&["2"])?;
    shows(&terminal, "held     3 of 3")?;
    let service = services(&agent)?.remove(0);
    let live = service.live_flows.to_string();
    // Name, "3 of 3", new flows a second, live flows.
    assert_eq!(row(&terminal, "held")?.get(5), Some(&live));
    ensure!(!terminal.screen()?.contains("ALL PACKETS"), "there is no room for it");

    terminal.resize(LARGE)?;
    shows(&terminal, "ALL PACKETS")?;
    let cells = row(&terminal, "held")?;
    for count in [service.new_flows, service.packets, service.live_flows] {
        ensure!(cells.contains(&count.to_string()), "{count} in {cells:?}");
    }
    terminal.press(&["3"])?;
    shows(&terminal, "server-3")?;
    for backend in backends(&agent)? {
        let screen = terminal.screen()?.replace(',', "");
        let line = screen.lines().find(|line| line.contains(&backend.name)).context("every back-end has a row")?;
        for count in [backend.new_flows, backend.packets, backend.live_flows] {
            ensure!(line.split_whitespace().any(|cell| cell == count.to_string()), "{count} in {line}");
        }
    }
    terminal.press(&["4"])?;
    shows(&terminal, &format!("{CONNECTIONS} of {CONNECTIONS} flows"))?;
    terminal.press(&["/"])?;
    terminal.press(&["s", "e", "r", "v", "e", "r", "-", "2", "Enter"])?;
    eventually("only flows of server-2 are shown", || {
        let screen = terminal.screen()?;
        Ok(screen.contains("server-2  established") && !screen.contains("server-1"))
    })?;
    terminal.press(&["5"])?;
    terminal.press(&["Escape"])?;
    shows(&terminal, "no-backend")?;
    terminal.press(&["?"])?;
    shows(&terminal, "drain the back-end: no new flows")?;
    terminal.resize(SMALL)?;
    shows(&terminal, "directly, so that the balancer does not see it (DSR).")
}

#[test]
fn a_back_end_is_drained_by_keys_once_that_is_confirmed() -> Result<()> {
    let scene = Scene::set("top-drain", 3)?;
    let agent = scene.start_agent_with(ON_ETH0, &Held::service(&SERVERS))?;
    let terminal = top(&scene, SMALL, "")?;
    let state = |agent: &Agent| Ok::<_, anyhow::Error>(backends(agent)?[1].state);
    terminal.press(&["3"])?;
    shows(&terminal, "server-2")?;
    terminal.press(&["j", "d"])?;
    shows(&terminal, "drain server-2 of held? y: yes, any other key: no")?;
    terminal.press(&["n"])?;
    eventually("the question is gone", || Ok(!terminal.screen()?.contains("y: yes")))?;
    assert_eq!(state(&agent)?, BackendState::Ready);

    terminal.press(&["d"])?;
    shows(&terminal, "drain server-2 of held?")?;
    terminal.press(&["y"])?;
    eventually("it is drained", || Ok(state(&agent)? == BackendState::Draining))?;
    shows(&terminal, "server-2  draining")?;
    shows(&terminal, "noted for held: server-2")?;
    terminal.press(&["u"])?;
    shows(&terminal, "undrain server-2 of held?")?;
    terminal.press(&["y"])?;
    eventually("it is ready again", || Ok(state(&agent)? == BackendState::Ready))
}

#[test]
fn an_agent_that_ends_is_waited_for() -> Result<()> {
    let scene = Scene::set("top-gone", 1)?;
    let agent = scene.start_agent()?;
    let terminal = top(&scene, SMALL, "")?;
    agent.kill()?;
    shows(&terminal, "the agent is gone, asking again")?;
    let _agent = scene.start_agent()?;
    shows(&terminal, "1 of 1 back-ends ready")
}

#[test]
fn the_terminal_is_left_as_it_was() -> Result<()> {
    let scene = Scene::set("top-end", 1)?;
    let _agent = scene.start_agent()?;
    scene.requests_succeed()?;
    const CYAN: &str = "\x1b[38;5;6m";
    type End = fn(&Terminal) -> Result<()>;
    let quit: End = |terminal| terminal.press(&["q"]);
    let terminate: End = |terminal| Ok(kill(Pid::from_raw(terminal.child()?), Signal::SIGTERM)?);
    for (environment, is_coloured, end) in [("", true, quit), ("NO_COLOR=1", false, terminate)] {
        let terminal = top(&scene, SMALL, environment)?;
        // Bars of a graph.
        shows(&terminal, "█")?;
        assert_eq!(terminal.coloured()?.contains(CYAN), is_coloured, "{environment}: {:?}", terminal.coloured()?);
        end(&terminal)?;
        shows(&terminal, "ended 0")?;
        ensure!(!terminal.is_covered()? && !terminal.screen()?.contains("Overview"));
        terminal.run("stty -a")?;
        shows(&terminal, " icanon ")?;
        ensure!(terminal.screen()?.contains(" echo "), "{}", terminal.screen()?);
    }

    let piped = outcome(handoff(&["top"]).arg("--socket").arg(scene.site().control_socket()))?;
    ensure!(piped.code == Some(1) && piped.stderr.contains("handoff top needs a terminal"), "{piped:?}");
    Ok(())
}
