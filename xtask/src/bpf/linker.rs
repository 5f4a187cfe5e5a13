//! bpf-linker: turns LLVM bitcode into an eBPF object with BTF.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use super::toolchain;
use crate::{process, workspace};

/// Another version wants another LLVM.
pub(crate) const VERSION: &str = "0.10.3";

/// The bpf-linker of the right version: cargo installs into a folder that need not be on PATH.
pub(crate) fn find() -> Option<PathBuf> {
    let library_path = library_path().ok()?;
    folders().into_iter().map(|folder| folder.join("bpf-linker")).filter(|linker| linker.is_file()).find(|linker| {
        let mut version = Command::new(linker);
        version.arg("--version").env("LD_LIBRARY_PATH", &library_path);
        process::query(&mut version).is_some_and(|text| is_ours(&text))
    })
}

/// The value of LD_LIBRARY_PATH under which bpf-linker finds the LLVM of the workspace's own toolchain.
///
/// The linker takes the first libLLVM it finds. One older than the compiler's stops with "Unknown attribute
/// kind", so the toolchain's folder comes before whatever the caller has set.
pub(crate) fn library_path() -> Result<OsString> {
    let mut rustc = Command::new("rustc");
    let sysroot = toolchain::sysroot(rustc.current_dir(workspace::root())).context(
        "`rustc --print sysroot` does not answer, so there is no LLVM for bpf-linker; \
         is the Rust toolchain on PATH?",
    )?;
    let inherited = env::var_os("LD_LIBRARY_PATH").unwrap_or_default();
    let folders = env::split_paths(&inherited).filter(|folder| !folder.as_os_str().is_empty());
    let library_path = [sysroot.join("lib")].into_iter().chain(folders);
    env::join_paths(library_path).with_context(|| {
        format!(
            "the toolchain's folder {} has a colon in its name, which LD_LIBRARY_PATH cannot hold",
            sysroot.display()
        )
    })
}

fn folders() -> Vec<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let cargo_home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let default_cargo_home = env::home_dir().map(|home| home.join(".cargo"));
    let cargo_homes = cargo_home.into_iter().chain(default_cargo_home);
    env::split_paths(&path).chain(cargo_homes.map(|home| home.join("bin"))).collect()
}

/// Whether `bpf-linker --version` printed our version.
fn is_ours(text: &str) -> bool {
    text.split_whitespace().nth(1) == Some(VERSION)
}

#[cfg(test)]
mod tests {
    use super::is_ours;

    #[test]
    fn the_version_is_compared_whole() {
        assert!(is_ours("bpf-linker 0.10.3"));
        assert!(!is_ours("bpf-linker 0.10.30"));
        assert!(!is_ours("bpf-linker 0.9.15"));
        assert!(!is_ours(""));
    }
}
