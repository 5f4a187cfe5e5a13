//! Installs what is missing, as far as that is ours to do.

use std::process::Command;

use anyhow::{Context, Result};

use super::requirement::{Remedy, Requirement};
use super::{Machine, packages};
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
            Remedy::RootCommand(_) | Remedy::Packages(_) | Remedy::Advice(_) => {}
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
        if let Remedy::Packages(packages) = (requirement.remedy)(distribution)
            && let Some(install) = distribution.install(packages)
        {
            announce(requirement, &install);
        }
    }
    let commands = [distribution.refresh(), distribution.install(&packages)];
    for mut command in commands.into_iter().flatten() {
        process::run(command.env("DEBIAN_FRONTEND", "noninteractive")).context(APT_FAILED)?;
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
