//! Where things are, and how cargo is called for them.

use std::env;
use std::path::{self, Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

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

/// A program that cargo built in the release profile.
pub(crate) fn release_binary(name: &str) -> Result<PathBuf> {
    Ok(target_dir()?.join("release").join(name))
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
