//! Taking a lab down, from any state that it may be in. Needs nothing but its name.

use super::namespace::{self, Namespace};
use super::program::ip;
use super::{Error, Node, Site};
use crate::bpf::Pins;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::collections::BTreeSet;
use std::fs;
use std::io::{self, ErrorKind};
use std::thread;
use std::time::{Duration, Instant};

/// How long processes may take to end when they are asked to.
const PATIENCE: Duration = Duration::from_secs(3);

/// Whether anything of a lab is there.
pub(super) fn is_there(site: &Site) -> bool {
    site.run_folder().exists() || site.pins().exists() || !site.existing_namespaces().is_empty()
}

/// Ends every process in the lab's namespaces, the agent among them, and removes all that the lab has made. Only the lock is left
/// to its owner.
///
/// # Errors
/// When something cannot be removed; what would come after it is still there.
pub(super) fn take_down(site: &Site) -> Result<(), Error> {
    let namespaces = site.existing_namespaces();
    end_processes(&namespaces);
    for node in [Node::Switch, Node::Balancer] {
        // A lab of another release may have left them.
        for pins in Pins::all_below(&site.pin_folder(node)) {
            pins.remove()?;
        }
        // Without pins in it, the folder is still there if its agent has not got to making any.
        let _ = fs::remove_dir(site.pin_folder(node));
    }
    unless_missing(fs::remove_dir(site.pins())).map_err(Error::file(site.pins()))?;
    for namespace in namespaces {
        ip(None, &format!("netns del {namespace}"))?;
    }
    unless_missing(fs::remove_dir_all(site.run_folder())).map_err(Error::file(site.run_folder()))
}

/// What is not there need not be removed.
fn unless_missing(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// Processes are found by the namespace that they are in. Unlike a list of ids, this can neither be incomplete nor name
/// another process that was given the same id since.
fn end_processes(namespaces: &[Namespace]) {
    let mut inside: BTreeSet<_> = namespaces.iter().filter_map(Namespace::identity).collect();
    // Should somebody have given the system's own namespace such a name, everything else on the machine is in it.
    inside.retain(|&namespace| Some(namespace) != namespace::identity("/proc/self/ns/net"));
    for signal in [Signal::SIGTERM, Signal::SIGKILL] {
        for process in inhabitants(&inside) {
            // It may have ended by itself.
            let _ = kill(process, signal);
        }
        let deadline = Instant::now() + PATIENCE;
        while !inhabitants(&inside).is_empty() && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(20));
        }
    }
}

/// The processes in these namespaces.
fn inhabitants(namespaces: &BTreeSet<namespace::Identity>) -> Vec<Pid> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let is_inside = |pid: i32| {
        let namespace = namespace::identity(format!("/proc/{pid}/ns/net"));
        namespace.is_some_and(|namespace| namespaces.contains(&namespace))
    };
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|&pid| is_inside(pid)).map(Pid::from_raw).collect()
}
