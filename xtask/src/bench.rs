//! `cargo xtask bench`: measure the datapath.

use std::ffi::OsString;
use std::process::{Command, ExitCode};

use anyhow::Result;

use crate::build::Profile;
use crate::setup::{self, Scope};
use crate::{bpf, build, process, usage, workspace};

pub(crate) fn main(args: &[OsString]) -> Result<ExitCode> {
    setup::ensure(Scope::Lab)?;
    bpf::build()?;
    build::handoff(Profile::Release)?;
    let mut cargo = workspace::cargo()?;
    cargo.args(["build", "--package", "lb-tests", "--release", "--bin", "bench"]);
    process::run(&mut cargo)?;

    // Started here and not by `cargo run`, so that a relative FILE is meant from where the caller is.
    let mut bench = Command::new(workspace::binary(Profile::Release, "bench")?);
    bench.args(usage::after_separator(args)).env("HANDOFF_BIN", workspace::binary(Profile::Release, "handoff")?);
    Err(process::exec(&mut bench))
}
