//! Programs of the tests that are commands of their own: benchmarks, the soak, and what writes documents.

use std::process::Command;

use anyhow::Result;

use crate::build::{self, Profile};
use crate::setup::{self, Scope};
use crate::{bpf, process, workspace};

/// Builds such a program with all that it runs, and returns the command that starts it with the release build of `handoff`. It is not started by
/// `cargo run`, so that a relative FILE is meant from where the caller is.
pub(crate) fn command(name: &str, profile: Profile, scope: Scope) -> Result<Command> {
    setup::ensure(scope)?;
    bpf::build()?;
    build::handoff(Profile::Release)?;
    let mut cargo = workspace::cargo()?;
    cargo.args(["build", "--package", "lb-tests", "--bin", name]);
    if let Profile::Release = profile {
        cargo.arg("--release");
    }
    process::run(&mut cargo)?;
    let mut tool = Command::new(workspace::binary(profile, name)?);
    tool.env("HANDOFF_BIN", workspace::binary(Profile::Release, "handoff")?);
    Ok(tool)
}
