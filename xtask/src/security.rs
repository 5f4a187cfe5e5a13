//! `cargo xtask security`: what running agents may do, for docs/security.md.

use std::ffi::OsString;
use std::process::{Command, ExitCode};

use anyhow::Result;

use crate::build::{self, Profile};
use crate::setup::{self, Scope};
use crate::{bpf, process, usage, workspace};

pub(crate) fn main(args: &[OsString]) -> Result<ExitCode> {
    setup::ensure(Scope::Lab)?;
    bpf::build()?;
    build::handoff(Profile::Release)?;
    let mut cargo = workspace::cargo()?;
    cargo.args(["build", "--package", "lb-tests", "--bin", "security"]);
    process::run(&mut cargo)?;
    let mut security = Command::new(workspace::binary(Profile::Dev, "security")?);
    security.args(usage::after_separator(args)).env("HANDOFF_BIN", workspace::binary(Profile::Release, "handoff")?);
    Err(process::exec(&mut security))
}
