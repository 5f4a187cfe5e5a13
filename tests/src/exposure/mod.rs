//! What running agents may do and where they can be reached, seen from outside: the part of docs/security.md that is not written by hand.
//!
//! | file | what it tells |
//! |---|---|
//! | `rights` | capabilities |
//! | `doors` | sockets that take in others |
//! | `files` | files and folders that it makes, and who may read them |
//! | `units` | what the units for systemd take away |
//! | `targets` | fuzz targets |

mod doors;
mod files;
mod rights;
mod targets;
mod units;

pub use rights::capabilities;

use crate::scene::{ON_ETH0, Pki, Scene, TicketCluster, eventually, service};
use anyhow::{Context, Result, ensure};
use lb_user::lab::{Agent, SERVICE_NAME};
use std::path::PathBuf;

/// Where whoever gets there may read numbers.
const METRICS: &str = "127.0.0.1:9469";

/// What is open when all of it is.
const EVERYTHING: &str = "[dashboard], [api], [tickets] and metrics";

/// The whole section.
///
/// # Errors
/// When an agent does not start.
pub fn section() -> Result<String> {
    let (mut rights, mut doors) = (rights::table(), doors::table());
    least(&mut |name, agent| rights::add(&mut rights, name, agent).and_then(|()| doors::add(&mut doors, name, agent)))?;
    let files = most(&mut |name, agent| {
        rights::add(&mut rights, name, agent)?;
        doors::add(&mut doors, name, agent)
    })?;
    Ok(format!(
        "Capabilities of every thread of an agent that root has started without the unit, once it runs; it can get no others:\n\n{rights}\n\
         Sockets on which it takes in others:\n\n{doors}\n\
         Files and folders that it makes, with everything open:\n\n{files}\n\
         What the units take away:\n\n{}\n\
         Fuzz targets:\n\n{}",
        units::table()?,
        targets::table()?
    ))
}

/// An agent with nothing that it need not have, and one that measures itself.
fn least(look: &mut dyn FnMut(&str, &Agent) -> Result<()>) -> Result<()> {
    let scene = Scene::set("exposure-least", 1)?;
    let service = service(SERVICE_NAME, 443, "tcp", &[("server-1", "198.18.1.1")]);
    for (name, more) in [("by default", ""), ("with `measure-run-time`", "measure-run-time = true")] {
        let agent = scene.start_agent_with(&format!("{ON_ETH0}\n{more}"), &service)?;
        look(name, &agent)?;
        ensure!(agent.terminate()?.success(), "the agent did not end in good order");
    }
    Ok(())
}

/// An agent with everything open. Returns its files.
fn most(look: &mut dyn FnMut(&str, &Agent) -> Result<()>) -> Result<files::Files> {
    let mut cluster = TicketCluster::start_rustls("exposure-most", 1, "")?;
    let former = cluster.take_agent().context("the cluster has an agent")?;
    ensure!(former.terminate()?.success(), "the agent did not end in good order");
    let scene = cluster.scene();
    let pki = Pki::make(&scene.site().run_folder())?;
    let services = cluster.services("")? + &pki.api() + &pki.dashboard();
    let agent = scene.start_agent_with(&format!("{ON_ETH0}\nmetrics = \"{METRICS}\""), &services)?;
    let state = scene.site().state_folder();
    eventually("the history is on disk", || Ok(state.join("history.redb").exists()))?;
    look(&format!("with {EVERYTHING}"), &agent)?;
    files::Files::look(scene, cluster.memory())
}

/// The folder of the repository.
fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}
