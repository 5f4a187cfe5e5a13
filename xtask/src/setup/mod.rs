//! `cargo xtask setup`: bring a fresh machine to a working build.
//!
//! What is needed is a list ([`requirement`]); what is missing is installed where we may and know how
//! ([`install`]), and written down as commands where not.

mod advice;
mod distribution;
mod install;
mod requirement;

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::{Result, bail};

use self::distribution::Distribution;
pub(crate) use self::requirement::Scope;
use self::requirement::{REQUIREMENTS, Requirement};
use crate::{privilege, usage};

pub(crate) fn main(args: &[OsString]) -> Result<ExitCode> {
    let check_only = usage::only_flag(args, "--check")?;
    let missing = missing(Scope::Lab);
    if missing.is_empty() {
        println!("setup: nothing to do");
    } else if check_only {
        let machine = Machine::inspect()?;
        println!("setup: {}", advice::on(&missing, &machine));
        return Ok(ExitCode::FAILURE);
    } else {
        provide(missing)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Makes sure that everything in `scope` is there; says nothing if it already is.
pub(crate) fn ensure(scope: Scope) -> Result<()> {
    let missing = missing(scope);
    if missing.is_empty() {
        return Ok(());
    }
    provide(missing)
}

/// What decides how a missing thing can be had.
struct Machine {
    distribution: Distribution,
    root: bool,
}

impl Machine {
    fn inspect() -> Result<Self> {
        Ok(Self { distribution: Distribution::detect(), root: privilege::is_root()? })
    }
}

fn missing(scope: Scope) -> Vec<&'static Requirement> {
    let needed = REQUIREMENTS.iter().filter(|requirement| scope.includes(requirement.scope));
    needed.filter(|requirement| !(requirement.is_met)()).collect()
}

/// The packages that bring what is missing, as far as packages do.
fn packages(missing: &[&Requirement], distribution: Distribution) -> Vec<&'static str> {
    missing.iter().flat_map(|requirement| (requirement.remedy)(distribution).packages()).copied().collect()
}

/// The services that come with those packages.
fn units(missing: &[&Requirement], distribution: Distribution) -> Vec<&'static str> {
    missing.iter().filter_map(|requirement| (requirement.remedy)(distribution).unit()).collect()
}

fn provide(mut missing: Vec<&'static Requirement>) -> Result<()> {
    let machine = Machine::inspect()?;
    let installed = install::all_possible(&missing, &machine);
    missing.retain(|requirement| !(requirement.is_met)());
    if missing.is_empty() {
        return Ok(());
    }
    // Not only what went wrong: all that is left to do, so that once is enough.
    let advice = advice::on(&missing, &machine);
    match installed {
        Ok(()) => bail!("{advice}"),
        Err(error) => bail!("{error:#}\n{advice}"),
    }
}
