//! `cargo xtask screenshots`: pictures of the dashboard for the documentation.

use std::ffi::OsString;
use std::process::{Command, ExitCode};

use anyhow::Result;

use crate::build::{self, Profile};
use crate::setup::{self, Scope};
use crate::{bpf, process, usage, workspace};

pub(crate) fn main(args: &[OsString]) -> Result<ExitCode> {
    usage::no_args(args)?;
    setup::ensure(Scope::Lab)?;
    bpf::build()?;
    build::handoff(Profile::Release)?;
    let mut cargo = workspace::cargo()?;
    cargo.args(["build", "--package", "lb-tests", "--release", "--bin", "screenshots"]);
    process::run(&mut cargo)?;
    let mut screenshots = Command::new(workspace::binary(Profile::Release, "screenshots")?);
    screenshots
        .arg(workspace::root().join("docs/images"))
        .env("HANDOFF_BIN", workspace::binary(Profile::Release, "handoff")?);
    Err(process::exec(&mut screenshots))
}
