//! The janitor: a process that takes the lab down when the lab ends, however it ends.

use super::lock::Lock;
use super::take_down::take_down;
use super::{Error, Site};
use nix::sys::signal::{SigSet, Signal};
use std::fs;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use tracing::warn;

/// The hidden subcommand of `handoff` that runs [`keep`].
pub const SUBCOMMAND: &str = "lab-janitor";

/// The lab's end of its janitor: a pipe that breaks when the lab is gone, also when it was killed.
#[derive(Debug)]
pub(super) struct Janitor {
    process: Child,
    site: Site,
    _lock: Lock,
}

impl Janitor {
    /// Starts the janitor of the lab at `site`; `handoff` is the program that has it as a subcommand.
    pub(super) fn start(site: &Site, handoff: &Path, lock: Lock) -> Result<Self, Error> {
        let process = Command::new(handoff)
            .args([SUBCOMMAND, site.name()])
            .stdin(Stdio::piped())
            // It has nothing to say there, and this way it holds the lock until everything is down.
            .stdout(lock.share()?)
            // Ctrl-C goes to the lab's process group, and this is another one.
            .process_group(0)
            .spawn();
        let process = process.map_err(|error| {
            // Nobody else will remove it.
            let _ = fs::remove_file(site.lock_file());
            Error::process("cannot start the janitor")(error)
        })?;
        Ok(Self { process, site: site.clone(), _lock: lock })
    }

    /// Has everything taken down, and waits for it. A janitor that was killed is stood in for.
    pub(super) fn finish(&mut self) -> Result<(), Error> {
        // Waiting closes the pipe.
        match self.process.wait() {
            Ok(status) if status.success() => Ok(()),
            _ => take_down_and_unlock(&self.site),
        }
    }
}

impl Drop for Janitor {
    fn drop(&mut self) {
        if let Err(error) = self.finish() {
            warn!(lab = self.site.name(), %error, "could not take the lab down");
        }
    }
}

/// The janitor's whole life: waits until the lab is gone, and takes down what it has made.
///
/// # Errors
/// When something cannot be removed.
pub fn keep(site: &Site) -> Result<(), Error> {
    // The lab decides when to end, and a signal to all processes of a service or a container comes to the janitor as well.
    let signals: SigSet = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP].into_iter().collect();
    signals.thread_block().map_err(|error| Error::process("cannot ignore signals")(error.into()))?;
    io::copy(&mut io::stdin().lock(), &mut io::sink()).map_err(Error::process("cannot wait for the lab"))?;
    take_down_and_unlock(site)
}

/// The lock's file goes last: whoever finds none finds nothing of the lab.
fn take_down_and_unlock(site: &Site) -> Result<(), Error> {
    take_down(site)?;
    fs::remove_file(site.lock_file()).map_err(Error::file(site.lock_file()))
}
