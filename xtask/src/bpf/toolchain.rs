//! Which Rust compiles for the BPF target.
//!
//! The target is a tier 3 one: rustup has no `core` for it. Either a distribution has compiled one, or a
//! nightly compiles it from its sources.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use super::TARGET;
use crate::{process, workspace};

const DISTRIBUTION_RUSTC: &str = "/usr/bin/rustc";

#[derive(Clone, Copy)]
pub(crate) enum Toolchain {
    /// The distribution's compiler, with a `core` that is compiled already.
    Distribution,
    /// The nightly of rustup, with the sources of `core`.
    Nightly,
}

impl Toolchain {
    /// The distribution's is preferred: it doesn't change from one night to the next, and `core` needs no compiling.
    pub(crate) fn find() -> Option<Self> {
        if distribution_has_core() {
            return Some(Self::Distribution);
        }
        nightly_has_sources().then_some(Self::Nightly)
    }

    /// `cargo <subcommand>` with this toolchain, in the workspace's root.
    pub(crate) fn cargo(self, subcommand: &str) -> Result<Command> {
        match self {
            Self::Distribution => {
                let mut cargo = workspace::cargo()?;
                cargo.arg(subcommand).env("RUSTC", DISTRIBUTION_RUSTC);
                Ok(cargo)
            }
            Self::Nightly => {
                let mut cargo = nightly("cargo");
                cargo.args([subcommand, "-Zbuild-std=core"]).current_dir(workspace::root());
                Ok(cargo)
            }
        }
    }
}

fn distribution_has_core() -> bool {
    // Asking starts the compiler, so look first whether there is one.
    if !Path::new(DISTRIBUTION_RUSTC).exists() {
        return false;
    }
    let Some(sysroot) = sysroot(&mut Command::new(DISTRIBUTION_RUSTC)) else {
        return false;
    };
    let folder = sysroot.join("lib/rustlib").join(TARGET).join("lib");
    fs::read_dir(folder)
        .is_ok_and(|files| files.flatten().any(|file| is_compiled_core(&file.file_name().to_string_lossy())))
}

fn is_compiled_core(file_name: &str) -> bool {
    file_name.starts_with("libcore-") && file_name.ends_with(".rlib")
}

fn nightly_has_sources() -> bool {
    sysroot(&mut nightly("rustc"))
        .is_some_and(|sysroot| sysroot.join("lib/rustlib/src/rust/library/core/src/lib.rs").exists())
}

/// A program of rustup's nightly, whatever toolchain runs us.
fn nightly(program: &str) -> Command {
    let mut rustup = Command::new("rustup");
    rustup.args(["run", "nightly", program]).env_remove("RUSTUP_TOOLCHAIN").env_remove("RUSTC");
    rustup
}

pub(super) fn sysroot(rustc: &mut Command) -> Option<PathBuf> {
    process::query(rustc.args(["--print", "sysroot"])).map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::is_compiled_core;

    #[test]
    fn only_the_compiled_library_counts() {
        assert!(is_compiled_core("libcore-8056e5e5b270ef4d.rlib"));
        assert!(!is_compiled_core("libcore-8056e5e5b270ef4d.rmeta"));
        assert!(!is_compiled_core("libcompiler_builtins-be37794067eb9afa.rlib"));
    }
}
