//! Installs what is missing, as far as that is ours to do.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use super::requirement::{Remedy, Requirement};
use super::{Machine, packages, units};
use crate::process;

/// Does every remedy that this machine allows; the rest is left for the caller to find still missing.
pub(super) fn all_possible(missing: &[&Requirement], machine: &Machine) -> Result<()> {
    // Packages first: building bpf-linker needs the C compiler to link.
    if machine.root && machine.distribution.has_apt() {
        with_apt(missing, machine)?;
    }
    for requirement in missing {
        match (requirement.remedy)(machine.distribution) {
            Remedy::Command(command) => by_command(requirement, command)?,
            Remedy::RootCommand(command) if machine.root => by_command(requirement, command)?,
            Remedy::RootCommand(_) | Remedy::Packages(_) | Remedy::Service { .. } | Remedy::Advice(_) => {}
        }
    }
    Ok(())
}

/// All packages by one call: each one would read the lists and lock the database again.
fn with_apt(missing: &[&Requirement], machine: &Machine) -> Result<()> {
    let distribution = machine.distribution;
    let packages = packages(missing, distribution);
    if packages.is_empty() {
        return Ok(());
    }
    for requirement in missing {
        let packages = (requirement.remedy)(distribution).packages();
        if !packages.is_empty()
            && let Some(install) = distribution.install(packages)
        {
            announce(requirement, &install);
        }
    }
    let commands = [distribution.refresh(), distribution.install(&packages)];
    for mut command in commands.into_iter().flatten() {
        process::run(command.env("DEBIAN_FRONTEND", "noninteractive")).context(APT_FAILED)?;
    }
    without_services(&units(missing, distribution))
}

/// Stops services that packages have started, now and at the next start of the machine.
fn without_services(units: &[&str]) -> Result<()> {
    if units.is_empty() {
        return Ok(());
    }
    process::run(&mut process::plain("systemctl", &[&["disable"], units].concat()))?;
    // Without a systemd that runs, as in containers, nothing was started, and nothing can be stopped.
    if Path::new("/run/systemd/system").exists() {
        process::run(&mut process::plain("systemctl", &[&["stop"], units].concat()))?;
    }
    Ok(())
}

const APT_FAILED: &str = "apt-get cannot install what is missing (it says why, above); check the network and \
    /etc/apt/sources.list; where apt has no rustc-web, \
    `rustup toolchain install nightly --component rust-src` does instead";

fn by_command(requirement: &Requirement, mut command: Command) -> Result<()> {
    announce(requirement, &command);
    process::run(&mut command).with_context(|| format!("cannot get {}", requirement.name))
}

fn announce(requirement: &Requirement, command: &Command) {
    println!("setup: installing {} ({}): {}", requirement.name, requirement.why, process::shown(command));
}
