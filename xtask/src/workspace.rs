//! Where things are, and how cargo is called for them.

use std::env;
use std::path::{self, Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::build::Profile;

/// Options of cargo for all crates but the eBPF one, which compiles for its own target only.
///
/// Whoever checks or tests some of the crates names them all: which features a dependency has follows from the packages that are named,
/// so other names would have cargo compile it, and everything above it, once more.
pub(crate) const HOST_CRATES: [&str; 3] = ["--workspace", "--exclude", "lb-ebpf"];

pub(crate) fn root() -> &'static Path {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask)
}

/// Where cargo puts what it builds for this host.
pub(crate) fn target_dir() -> Result<PathBuf> {
    match env::var_os("CARGO_TARGET_DIR").filter(|dir| !dir.is_empty()) {
        Some(dir) => {
            path::absolute(&dir).with_context(|| format!("CARGO_TARGET_DIR is `{}`, which is no path", dir.display()))
        }
        None => Ok(root().join("target")),
    }
}

/// A program that cargo built in the profile.
pub(crate) fn binary(profile: Profile, name: &str) -> Result<PathBuf> {
    let folder = match profile {
        Profile::Dev => "debug",
        Profile::Release => "release",
    };
    Ok(target_dir()?.join(folder).join(name))
}

/// Cargo, in the workspace's root.
///
/// The target folder is passed on as an absolute path: a relative one is meant from where the caller is. What the cargo that runs us says
/// of the package xtask is not passed on: build scripts look at such variables, and would run again whenever somebody calls cargo
/// otherwise.
pub(crate) fn cargo() -> Result<Command> {
    let mut cargo = Command::new("cargo");
    for (name, _) in env::vars_os() {
        if ["CARGO_PKG_", "CARGO_MANIFEST_"].iter().any(|of_us| name.to_string_lossy().starts_with(of_us)) {
            cargo.env_remove(name);
        }
    }
    cargo.current_dir(root()).env("CARGO_TARGET_DIR", target_dir()?);
    Ok(cargo)
}
