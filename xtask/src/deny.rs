//! `cargo xtask deny`: the licences and the sources of what the workspace depends on, what stands in the program twice, and what is known of it to be
//! broken (deny.toml).

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::Result;

use crate::setup::{self, Scope};
use crate::{process, usage, workspace};

const VERSION: &str = "0.20.2";

pub(crate) fn main(args: &[OsString]) -> Result<ExitCode> {
    usage::no_args(args)?;
    setup::ensure(Scope::Deny)?;
    process::run(check()?.args(["licenses", "sources"]))?;
    // What only the tests use may stand there twice.
    process::run(deny()?.args([
        "--exclude",
        "lb-tests",
        "--exclude",
        "lb-fuzz",
        "check",
        "--hide-inclusion-graph",
        "bans",
    ]))?;
    advisories()?;
    Ok(ExitCode::SUCCESS)
}

/// Against the newest database there is: what cannot be fetched may have been, before.
fn advisories() -> Result<()> {
    let fetched = process::run(deny()?.args(["fetch", "db"]));
    if fetched.is_err() && !has_database() {
        println!("deny: advisories are not checked: their database is neither here nor can it be fetched");
        return Ok(());
    }
    process::run(check()?.args(["--disable-fetch", "advisories"]))
}

/// Whether cargo-deny has fetched a database before, in its own place.
fn has_database() -> bool {
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| env::home_dir().map(|home| home.join(".cargo")));
    let folders = home.and_then(|home| home.join("advisory-dbs").read_dir().ok()).into_iter().flatten().flatten();
    folders.into_iter().any(|folder| folder.path().join("crates").is_dir())
}

fn check() -> Result<Command> {
    let mut deny = deny()?;
    deny.args(["check", "--hide-inclusion-graph"]);
    Ok(deny)
}

fn deny() -> Result<Command> {
    let mut cargo = workspace::cargo()?;
    cargo.args(["deny", "--workspace", "--log-level", "error"]);
    Ok(cargo)
}

pub(crate) fn is_installed() -> bool {
    let mut version = process::plain("cargo", &["deny", "--version"]);
    process::query(&mut version).is_some_and(|text| text == format!("cargo-deny {VERSION}"))
}

pub(crate) fn install() -> Command {
    process::plain("cargo", &["install", "cargo-deny", "--version", VERSION, "--locked"])
}
