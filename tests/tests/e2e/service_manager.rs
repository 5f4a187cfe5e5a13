//! The agent under a service manager, with the rights of the shipped unit and no others.

use anyhow::{Result, ensure};
use lb_tests::scene::{Scene, Service, all_succeeded, service, wait};
use lb_user::control::types::Stop;
use lb_user::lab::{Node, SERVICE_NAME};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

const SERVERS: [(&str, &str); 3] = [("server-1", "198.18.1.1"), ("server-2", "198.18.1.2"), ("server-3", "198.18.1.3")];
const WATCHDOG: Duration = Duration::from_millis(400);

#[test]
fn it_starts_stops_and_takes_over_without_root() -> Result<()> {
    let scene = Scene::set("systemd", 3)?;
    let unit = Service::install(&scene, &service(SERVICE_NAME, 443, "tcp", &SERVERS))?;
    let agent = unit.start(WATCHDOG)?;
    unit.hears("READY=1")?;
    assert_eq!(unit.hears("STATUS=")?, "STATUS=1 services, 3 of 3 back-ends ready");
    assert_eq!(wait(unit.client().status())??.ready, 3);
    let program = scene.attached("eth0")?;
    ensure!(program.as_ref().is_some_and(|program| program.is_native), "no program is attached");
    let load = scene.start_load(200)?;
    for _ in 0..3 {
        unit.hears("WATCHDOG=1")?;
    }

    ensure!(agent.terminate()?.success(), "the agent did not end in good order");
    unit.hears("STOPPING=1")?;
    let agent = unit.start(WATCHDOG)?;
    unit.hears("READY=1")?;
    unit.hears("WATCHDOG=1")?;
    ensure!(scene.attached("eth0")? != program, "the program is that of the agent before");
    all_succeeded(load)?;
    wait(unit.client().stop(Stop { purge: true, drain: false }))??;
    unit.hears("STOPPING=1")?;
    ensure!(agent.wait()?.success(), "the agent did not end in good order");
    Ok(())
}

#[test]
fn a_pin_folder_of_somebody_else_is_refused() -> Result<()> {
    let scene = Scene::set("systemd-pins", 1)?;
    let unit = Service::install(&scene, &service(SERVICE_NAME, 443, "tcp", &SERVERS[..1]))?;
    let folder = scene.site().pin_folder(Node::Balancer);
    fs::set_permissions(&folder, Permissions::from_mode(0o500))?;
    let status = unit.start(WATCHDOG)?.wait()?;
    assert_eq!(status.code(), Some(77));
    let log = fs::read_to_string(scene.site().agent_log())?;
    ensure!(log.contains("Permission denied") && log.contains("own the pin folder"), "{log}");
    ensure!(scene.attached("eth0")?.is_none(), "a program was attached");
    Ok(())
}
