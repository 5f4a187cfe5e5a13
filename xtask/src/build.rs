//! `cargo xtask build`: the eBPF objects, then the binary that carries them.

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::Result;

use crate::setup::{self, Scope};
use crate::{bpf, process, usage, workspace};

#[derive(Clone, Copy)]
pub(crate) enum Profile {
    Dev,
    Release,
}

pub(crate) fn main(args: &[OsString]) -> Result<ExitCode> {
    let profile = if usage::only_flag(args, "--release")? { Profile::Release } else { Profile::Dev };
    setup::ensure(Scope::Build)?;
    bpf::build()?;
    handoff(profile)?;
    Ok(ExitCode::SUCCESS)
}

/// Builds the `handoff` binary around the eBPF objects, which have to be there.
pub(crate) fn handoff(profile: Profile) -> Result<()> {
    let mut cargo = workspace::cargo()?;
    cargo.args(["build", "--package", "lb-user", "--bin", "handoff"]);
    if let Profile::Release = profile {
        cargo.arg("--release");
    }
    process::run(&mut cargo)
}
