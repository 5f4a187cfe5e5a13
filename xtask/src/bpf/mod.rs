//! The eBPF objects: crate lb-ebpf compiled for the BPF target, which no host toolchain has ready.

pub(crate) mod linker;
pub(crate) mod toolchain;

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use self::toolchain::Toolchain;
use crate::{process, workspace};

/// BPF programs have the byte order of the machine that runs them.
pub(crate) const TARGET: &str = if cfg!(target_endian = "big") { "bpfeb-unknown-none" } else { "bpfel-unknown-none" };

/// The programs of lb-ebpf. Each becomes an object `<name>.o`, which lb-user and the tests load.
const PROGRAMS: [&str; 4] = ["handoff", "decap", "probe", "bench"];

/// What the kernel's loader needs from the compiler: debug information to make BTF from, the linker that makes it, and the third
/// version of the instruction set (32-bit arithmetic, atomics).
const RUSTFLAGS: [&str; 3] = ["-Cdebuginfo=2", "-Clink-arg=--btf", "-Ctarget-cpu=v3"];

/// The crates that use unstable features, so that a stable compiler allows them to these and to no other.
const UNSTABLE_CRATES: &str = "aya_ebpf,lb_ebpf,lb_common";

/// Builds the objects into `target/bpf`.
pub(crate) fn build() -> Result<()> {
    process::run(cargo("build", &[])?.arg("--bins").arg("--target-dir").arg(folder()))?;
    let folder = folder();
    for program in PROGRAMS {
        let built = folder.join(TARGET).join("release").join(program);
        publish(&built, &folder.join(program).with_extension("o"))?;
    }
    Ok(())
}

/// Builds the balancer's program with less optimisation into `target/bpf/other.o`: what an agent of another release brings, for the tests
/// of upgrades.
pub(crate) fn build_other() -> Result<()> {
    // In a folder of its own: in the usual one, each build would undo the other.
    let folder = folder().join("other");
    let mut cargo = cargo("build", &[])?;
    cargo.args(["--bin", "handoff", "--target-dir"]).arg(&folder).env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "2");
    process::run(&mut cargo)?;
    publish(&folder.join(TARGET).join("release/handoff"), &self::folder().join("other.o"))
}

/// Fails if the compiler warns: this is what lb-ebpf has instead of clippy, which knows no BPF target.
///
/// Not part of [`build`], where a warning that a newer nightly invents must not keep a user from building.
pub(crate) fn deny_warnings() -> Result<()> {
    process::run(cargo("check", &["-Dwarnings"])?.arg("--target-dir").arg(folder()))
}

/// Not below CARGO_TARGET_DIR: lb-user's build script and the tests have to find it.
fn folder() -> PathBuf {
    workspace::root().join("target").join("bpf")
}

fn cargo(subcommand: &str, more_flags: &[&str]) -> Result<Command> {
    let toolchain =
        Toolchain::find().context("no Rust toolchain for eBPF found; `cargo xtask setup` tells how to get one")?;
    let linker = linker::find().context("bpf-linker not found; `cargo xtask setup` installs it")?;

    let mut rustflags = OsString::from("-Clinker=");
    rustflags.push(linker);
    for flag in RUSTFLAGS.iter().chain(more_flags) {
        rustflags.push("\x1f");
        rustflags.push(flag);
    }
    let mut cargo = toolchain.cargo(subcommand)?;
    cargo
        .args(["--release", "--package", "lb-ebpf", "--target", TARGET])
        .env("CARGO_ENCODED_RUSTFLAGS", rustflags)
        .env("RUSTC_BOOTSTRAP", UNSTABLE_CRATES)
        .env("LD_LIBRARY_PATH", linker::library_path()?);
    Ok(cargo)
}

/// Copies an object only if it is new: lb-user is built again when the file is touched.
fn publish(built: &Path, object: &Path) -> Result<()> {
    let content = fs::read(built).with_context(|| {
        format!("cargo left no eBPF object at {}; does lb-ebpf still have this program?", built.display())
    })?;
    if fs::read(object).is_ok_and(|published| published == content) {
        return Ok(());
    }
    fs::write(object, content)
        .with_context(|| format!("cannot write the eBPF object {}; is the folder yours?", object.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::env;
    use std::time::SystemTime;

    #[test]
    fn an_unchanged_object_is_not_touched() {
        let folder = env::temp_dir().join(format!("xtask-publish-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let (built, object) = (folder.join("handoff"), folder.join("handoff.o"));

        fs::write(&built, "one").unwrap();
        publish(&built, &object).unwrap();
        fs::File::open(&object).and_then(|file| file.set_modified(SystemTime::UNIX_EPOCH)).unwrap();
        publish(&built, &object).unwrap();
        let modified = fs::metadata(&object).unwrap().modified().unwrap();
        assert_eq!(modified, SystemTime::UNIX_EPOCH);

        fs::write(&built, "two").unwrap();
        publish(&built, &object).unwrap();
        assert_eq!(fs::read(&object).unwrap(), b"two");
        fs::remove_dir_all(&folder).unwrap();
    }
}
