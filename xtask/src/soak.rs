//! `cargo xtask soak`: everything at once, for as long as one likes.

use std::ffi::OsString;
use std::process::{Command, ExitCode};

use anyhow::Result;

use crate::build::{self, Profile};
use crate::setup::{self, Scope};
use crate::{bpf, process, usage, workspace};

pub(crate) fn main(args: &[OsString]) -> Result<ExitCode> {
    setup::ensure(Scope::Lab)?;
    bpf::build()?;
    // The release that the agent is upgraded to and back.
    bpf::build_other()?;
    build::handoff(Profile::Release)?;
    let mut cargo = workspace::cargo()?;
    cargo.args(["build", "--package", "lb-tests", "--bin", "soak"]);
    process::run(&mut cargo)?;
    let mut soak = Command::new(workspace::binary(Profile::Dev, "soak")?);
    soak.args(usage::after_separator(args)).env("HANDOFF_BIN", workspace::binary(Profile::Release, "handoff")?);
    Err(process::exec(&mut soak))
}
