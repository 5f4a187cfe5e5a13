//! `cargo xtask lint`: formatting, lints and documentation.

use std::ffi::OsString;
use std::process::{Command, ExitCode};

use anyhow::Result;

use crate::setup::{self, Scope};
use crate::workspace::HOST_CRATES;
use crate::{bpf, process, usage, workspace};

pub(crate) fn main(args: &[OsString]) -> Result<ExitCode> {
    let fix = usage::only_flag(args, "--fix")?;
    setup::ensure(Scope::Build)?;
    if fix {
        self::fix()?;
    }
    check()?;
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn check() -> Result<()> {
    process::run(workspace::cargo()?.args(["fmt", "--all", "--", "--check"]))?;
    // lb-user includes the objects, so even looking at it needs them.
    bpf::build()?;
    process::run(&mut clippy(&["--", "-D", "warnings"])?)?;
    bpf::deny_warnings()?;
    documentation()
}

/// Changes the sources where a tool knows how; what it leaves as it is shows in the check.
fn fix() -> Result<()> {
    bpf::build()?;
    // The caller asked for changes: whether git has the old state is for them to know.
    let anyway = ["--fix", "--allow-dirty", "--allow-staged", "--allow-no-vcs"];
    process::run(&mut clippy(&anyway)?)?;
    process::run(workspace::cargo()?.args(["fmt", "--all"]))
}

fn clippy(more: &[&str]) -> Result<Command> {
    let mut cargo = workspace::cargo()?;
    cargo.arg("clippy").args(HOST_CRATES).arg("--all-targets").args(more);
    Ok(cargo)
}

fn documentation() -> Result<()> {
    let mut cargo = workspace::cargo()?;
    cargo
        .arg("doc")
        .args(HOST_CRATES)
        .args(["--no-deps", "--document-private-items"])
        .env("RUSTDOCFLAGS", "-Dwarnings");
    process::run(&mut cargo)
}
