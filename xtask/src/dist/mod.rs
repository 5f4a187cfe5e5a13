//! `cargo xtask dist`: what is handed to users, in `target/dist`: a tarball, a Debian package, and their checksums.

mod binary;
mod checksums;
mod deb;
mod tarball;
mod tree;

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

use self::binary::Linkage;
use self::tree::Tree;
use crate::build::{self, Profile};
use crate::setup::{self, Scope};
use crate::{bpf, process, usage, workspace};

pub(crate) fn main(args: &[OsString]) -> Result<ExitCode> {
    usage::no_args(args)?;
    setup::ensure(Scope::Dist)?;
    bpf::build()?;
    build()?;
    Ok(ExitCode::SUCCESS)
}

/// Packs the release build. The eBPF objects have to be there.
pub(crate) fn build() -> Result<()> {
    build::handoff(Profile::Release)?;
    let binary = workspace::binary(Profile::Release, "handoff")?;
    let linkage = Linkage::of(&binary)?;
    println!("dist: {} needs {linkage}", binary.display());

    let folder = folder()?;
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("cannot clear {}", folder.display()))?;
    }
    let release = Release::of(&binary)?;
    let tree = Tree::grow(&folder.join("tree"), &binary, &release)?;
    let packages = [tarball::pack(&tree, &folder, &release)?, deb::pack(&tree, &folder, &release, &linkage)?];
    checksums::write(&folder, &packages)?;
    for package in packages {
        println!("dist: {}", folder.join(package).display());
    }
    Ok(())
}

/// Where the packages are.
pub(crate) fn folder() -> Result<PathBuf> {
    Ok(workspace::target_dir()?.join("dist"))
}

/// What is packed, and when it was made: the same sources make the same packages.
struct Release {
    version: String,
    /// Seconds since 1970.
    time: String,
}

impl Release {
    fn of(binary: &Path) -> Result<Self> {
        let said = output(Command::new(binary).arg("--version"))?;
        let version = said.split_whitespace().nth(1).context("`handoff --version` names no version")?.to_owned();
        Ok(Self { version, time: source_time() })
    }
}

/// The time that the caller names by the usual variable, or that of the last commit.
fn source_time() -> String {
    let named = std::env::var("SOURCE_DATE_EPOCH").ok().filter(|time| time.parse::<u64>().is_ok());
    let committed = || {
        let mut git = process::plain("git", &["log", "-1", "--format=%ct"]);
        process::query(git.current_dir(workspace::root())).filter(|time| time.parse::<u64>().is_ok())
    };
    named.or_else(committed).unwrap_or_else(|| "0".to_owned())
}

/// What `command` prints; it has to succeed.
fn output(command: &mut Command) -> Result<String> {
    process::query(command).with_context(|| format!("`{}` fails", process::shown(command)))
}
