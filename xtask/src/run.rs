//! `cargo xtask run`: build, then become the `handoff` binary.

use std::ffi::OsString;
use std::io::{IsTerminal, stdin, stdout};
use std::process::{Command, ExitCode};

use anyhow::{Result, bail};

use crate::build::Profile;
use crate::setup::{self, Scope};
use crate::{bpf, build, privilege, process, usage, workspace};

/// How long the lab runs when nobody is there to stop it.
const UNATTENDED_SECONDS: &str = "15";

pub(crate) fn main(args: &[OsString]) -> Result<ExitCode> {
    setup::ensure(Scope::Lab)?;
    bpf::build()?;
    build::handoff(Profile::Release)?;

    let attended = stdin().is_terminal() && stdout().is_terminal();
    let mut handoff = Command::new(workspace::binary(Profile::Release, "handoff")?);
    handoff.args(handoff_args(usage::after_separator(args), attended));
    if !privilege::is_root()? {
        bail!(
            "handoff is built, but attaching XDP programs and making network namespaces need root; try:\n  \
             sudo -E {}",
            process::shown(&handoff)
        );
    }
    Err(process::exec(&mut handoff))
}

/// A configuration is to be run; without one, the lab shows what there is to see.
fn handoff_args(args: &[OsString], attended: bool) -> Vec<OsString> {
    let mut handoff = Vec::from(args);
    if has_option(args, "--config") {
        handoff.insert(0, "run".into());
        return handoff;
    }
    handoff.insert(0, "lab".into());
    if !attended && !has_option(args, "--duration") {
        handoff.extend(["--duration", UNATTENDED_SECONDS].map(OsString::from));
    }
    handoff
}

/// Whether `option` is given, as `--option value` or as `--option=value`.
fn has_option(args: &[OsString], option: &str) -> bool {
    args.iter().any(|arg| {
        let value = arg.as_encoded_bytes().strip_prefix(option.as_bytes());
        value.is_some_and(|value| value.is_empty() || value.starts_with(b"="))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn handoff(args: &[&str], attended: bool) -> String {
        let args: Vec<OsString> = args.iter().map(OsString::from).collect();
        let handoff = handoff_args(&args, attended).join(" ".as_ref());
        handoff.into_string().unwrap()
    }

    #[test]
    fn without_a_configuration_it_is_the_lab() {
        assert_eq!(handoff(&[], true), "lab");
        assert_eq!(handoff(&["--rounds", "3"], true), "lab --rounds 3");
    }

    #[test]
    fn a_configuration_is_run_for_as_long_as_it_takes() {
        assert_eq!(handoff(&["--config", "a.toml"], false), "run --config a.toml");
        assert_eq!(handoff(&["--config=a.toml"], true), "run --config=a.toml");
        assert_eq!(handoff(&["--configure"], true), "lab --configure");
    }

    #[test]
    fn an_unattended_lab_ends_by_itself() {
        assert_eq!(handoff(&[], false), "lab --duration 15");
        assert_eq!(handoff(&["--duration", "3"], false), "lab --duration 3");
        assert_eq!(handoff(&["--duration=3"], false), "lab --duration=3");
    }
}
