//! A new configuration changes nothing for the flows that it is not about.

use anyhow::{Context, Result, ensure};
use lb_tests::scene::{ON_ETH0, Responder, Scene, all_succeeded, backends, eventually, service};
use lb_user::control::types::BackendState;
use lb_user::lab::topology::VIP;
use lb_user::lab::{Agent, Node, SERVICE_NAME};
use std::io::{BufRead, BufReader, Read};
use std::net::TcpStream;
use std::thread::sleep;
use std::time::Duration;

const SERVERS: [(&str, &str); 3] = [("server-1", "198.18.1.1"), ("server-2", "198.18.1.2"), ("server-3", "198.18.1.3")];
const FILES: u16 = 8080;
/// Lines of a download: 27 MB, more than the buffers at both ends hold.
const LINES: usize = 3_000_000;

/// Slow enough for another agent to take over meanwhile, and well within the removal grace.
const GRACE: &str = "interfaces = [\"eth0\"]\nremoval-grace = \"5s\"";

#[test]
fn a_removed_backend_ends_its_flows_in_peace() -> Result<()> {
    let scene = Scene::set("remove", 3)?;
    let _files = files(&scene)?;
    let agent = scene.start_agent_with(GRACE, &services(&SERVERS))?;
    let load = scene.start_load(100)?;
    let mut download = BufReader::new(scene.connect((VIP, FILES))?);
    let mut name = String::new();
    download.read_line(&mut name)?;
    let name = name.trim_end();

    agent.terminate()?;
    let (removed, kept): (Vec<_>, Vec<_>) = SERVERS.into_iter().partition(|(server, _)| *server == name);
    let (_, address) = removed.first().with_context(|| format!("no server is called {name:?}"))?;
    let agent = scene.start_agent_with(GRACE, &services(&kept))?;
    let leaving = |agent: &Agent| -> Result<Vec<_>> {
        let all = backends(agent)?.into_iter();
        Ok(all.filter(|backend| backend.state == BackendState::Leaving).collect())
    };
    let now = leaving(&agent)?;
    assert_eq!(now.iter().map(|backend| backend.address.to_string()).collect::<Vec<_>>(), [*address; 2]);
    let new_flows = |service: &str| now.iter().find(|backend| backend.service == service).map(|it| it.new_flows);
    let (web, files) = (new_flows(SERVICE_NAME), new_flows("files"));

    assert_eq!(1 + lines_slowly(download, name)?, LINES);
    let later = leaving(&agent)?;
    let new_flows = |service: &str| later.iter().find(|backend| backend.service == service).map(|it| it.new_flows);
    assert_eq!((new_flows(SERVICE_NAME), new_flows("files")), (web, files), "a leaving back-end got new flows");

    eventually("the slots of the removed back-end are freed", || Ok(leaving(&agent)?.is_empty()))?;
    let connections = scene.connections();
    sleep(Duration::from_millis(500));
    for (server, (before, after)) in SERVERS.iter().zip(connections.into_iter().zip(scene.connections())) {
        assert_eq!(after > before, server.0 != name, "{}: {before} connections, then {after}", server.0);
    }
    all_succeeded(load)
}

#[test]
fn an_added_backend_moves_no_flow() -> Result<()> {
    let scene = Scene::set("add", 3)?;
    let _files = files(&scene)?;
    let agent = scene.start_agent_with(ON_ETH0, &services(&SERVERS[..1]))?;
    let load = scene.start_load(100)?;
    let download = BufReader::new(scene.connect((VIP, FILES))?);
    agent.terminate()?;
    let agent = scene.start_agent_with(ON_ETH0, &services(&SERVERS))?;
    assert_eq!(lines_slowly(download, "server-1")?, LINES);
    all_succeeded(load)?;
    ensure!(scene.connections().iter().all(|&connections| connections > 30), "{:?}", scene.connections());
    assert_eq!(backends(&agent)?.iter().map(|backend| backend.state).collect::<Vec<_>>(), [BackendState::Ready; 6]);
    Ok(())
}

fn services(backends: &[(&str, &str)]) -> String {
    service(SERVICE_NAME, 443, "tcp", backends) + &service("files", FILES, "tcp", backends)
}

/// Something to download from every server.
fn files(scene: &Scene) -> Result<Vec<Responder>> {
    let start = |node: Node| Responder::tcp(&scene.namespace(node), FILES, &node.to_string(), LINES);
    scene.stage().topology().servers().map(start).collect()
}

/// Reads lines for some two seconds, to the end; returns how many there were. Each must be `name`.
fn lines_slowly(mut download: BufReader<TcpStream>, name: &str) -> Result<usize> {
    const PIECES: u32 = 100;
    let line = format!("{name}\n");
    let mut piece = vec![0; LINES * line.len() / PIECES as usize];
    let mut text = Vec::new();
    for _ in 0..PIECES {
        let length = download.read(&mut piece)?;
        text.extend_from_slice(&piece[..length]);
        sleep(Duration::from_millis(20));
    }
    download.read_to_end(&mut text)?;
    let lines: Vec<_> = text.chunks(line.len()).collect();
    ensure!(lines.iter().all(|found| *found == line.as_bytes()), "the download is damaged");
    Ok(lines.len())
}
