//! `cargo xtask test vm` and `bench vm`: other kernels than the running one, in machines of qemu's.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::build::Profile;
use crate::setup::{self, Scope};
use crate::{bpf, build, process, workspace};

/// Test programs that run there too, and the option that says where each is.
const TESTS: [(&str, &str); 3] = [("vectors", "--vectors"), ("decap_kernel", "--decap"), ("e2e", "--e2e")];

/// Builds all that the machines run, and returns the command that has them run it.
pub(crate) fn test(args: &[OsString]) -> Result<Command> {
    setup::ensure(Scope::Vm)?;
    bpf::build()?;
    build::handoff(Profile::Release)?;
    let mut cargo = workspace::cargo()?;
    cargo.arg("build").args(workspace::HOST_CRATES).arg("--bins");
    process::run(&mut cargo)?;
    let mut vm = Command::new(workspace::binary(Profile::Dev, "vm")?);
    vm.arg("test").args(args).env("HANDOFF_BIN", workspace::binary(Profile::Release, "handoff")?);
    for (name, option) in TESTS {
        vm.arg(option).arg(test_program(name)?);
    }
    Ok(vm)
}

/// Builds what is measured on other kernels, and returns the command that has them measure it.
pub(crate) fn bench(args: &[OsString]) -> Result<Command> {
    setup::ensure(Scope::Vm)?;
    setup::ensure(Scope::Peers)?;
    bpf::build()?;
    build::handoff(Profile::Release)?;
    let mut cargo = workspace::cargo()?;
    cargo.args(["build", "--package", "lb-tests", "--release", "--bin", "vm", "--bin", "peers"]);
    process::run(&mut cargo)?;
    let mut vm = Command::new(workspace::binary(Profile::Release, "vm")?);
    vm.arg("bench").args(args).env("HANDOFF_BIN", workspace::binary(Profile::Release, "handoff")?);
    vm.arg("--peers").arg(workspace::binary(Profile::Release, "peers")?);
    Ok(vm)
}

/// Builds a test program; where it is, only cargo knows.
fn test_program(name: &str) -> Result<PathBuf> {
    let mut cargo = workspace::cargo()?;
    cargo.args(["test", "--no-run", "--message-format=json-render-diagnostics"]);
    cargo.args(workspace::HOST_CRATES).args(["--test", name]);
    let messages = process::query(&mut cargo).with_context(|| format!("`{}` failed", process::shown(&cargo)))?;
    executable(&messages, name).with_context(|| format!("cargo does not say where the test program {name} is"))
}

/// The path in cargo's message about the test of this name: it tells of the programs as well that the tests start.
fn executable(messages: &str, name: &str) -> Option<PathBuf> {
    const KEY: &str = "\"executable\":\"";
    let name = format!("\"name\":\"{name}\"");
    let mut tests = messages.lines().filter(|line| line.contains("\"kind\":[\"test\"]") && line.contains(&name));
    let (_, path) = tests.find_map(|line| line.split_once(KEY))?;
    path.split('"').next().map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargo_says_where_a_test_program_is() {
        let messages = [
            r#"{"target":{"kind":["bin"],"name":"e2e"},"executable":"/t/e2e"}"#,
            r#"{"target":{"kind":["test"],"name":"vectors"},"executable":"/t/vectors-1"}"#,
            r#"{"target":{"kind":["test"],"name":"e2e"},"profile":{"test":true},"executable":"/t/e2e-1","fresh":true}"#,
            r#"{"success":true}"#,
        ];
        assert_eq!(executable(&messages.join("\n"), "e2e"), Some("/t/e2e-1".into()));
        assert_eq!(executable(&messages.join("\n"), "decap_kernel"), None);
    }
}
