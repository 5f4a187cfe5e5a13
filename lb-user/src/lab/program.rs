//! `ip` and `ethtool`: what makes a network by hand makes the lab's. A failure names the command, so that it can be tried by hand.

use super::{Error, Namespace};
use std::io::ErrorKind;
use std::process::{Command, Stdio};

/// A program of the system.
#[derive(Clone, Copy, Debug)]
pub(super) struct Program {
    name: &'static str,
    package: &'static str,
}

/// Namespaces, links, addresses and routes.
const IP: Program = Program { name: "ip", package: "iproute2" };
/// What links leave to the hardware.
const ETHTOOL: Program = Program { name: "ethtool", package: "ethtool" };

/// Runs `ip` with the words of `command`, in `namespace` or in the system's own; returns what it prints.
pub(super) fn ip(namespace: Option<&Namespace>, command: &str) -> Result<Vec<u8>, Error> {
    let inside = namespace.map_or(vec![], |namespace| vec!["-netns", namespace.name()]);
    run(IP, &inside.into_iter().chain(command.split_whitespace()).collect::<Vec<_>>())
}

/// Runs `ethtool` with the words of `command` in `namespace`.
pub(super) fn ethtool(namespace: &Namespace, command: &str) -> Result<(), Error> {
    namespace.run(|| run(ETHTOOL, &command.split_whitespace().collect::<Vec<_>>()))??;
    Ok(())
}

fn run(program: Program, args: &[&str]) -> Result<Vec<u8>, Error> {
    let failed = |message: String| Error::Command { command: format!("{} {}", program.name, args.join(" ")), message };
    let output = Command::new(program.name).args(args).stdin(Stdio::null()).output().map_err(|error| {
        if error.kind() == ErrorKind::NotFound {
            Error::MissingProgram { program: program.name, package: program.package }
        } else {
            failed(error.to_string())
        }
    })?;
    if output.status.success() {
        Ok(output.stdout)
    } else {
        Err(failed(String::from_utf8_lossy(&output.stderr).trim().replace('\n', "; ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_names_the_command() {
        let error = run(Program { name: "sh", package: "dash" }, &["-c", "echo no >&2; false"]).unwrap_err();
        assert_eq!(error.to_string(), "`sh -c echo no >&2; false` failed: no");
    }

    #[test]
    fn a_missing_program_names_its_package() {
        let error = run(Program { name: "no-such-program", package: "nothing" }, &[]).unwrap_err();
        assert_eq!(error.to_string(), "no-such-program: not found; install the package nothing");
    }
}
