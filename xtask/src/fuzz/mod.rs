//! `cargo xtask fuzz`: look for inputs that break what must hold for any input.
//!
//! The targets are in the crate `fuzz`. libFuzzer varies what is in their corpora, and keeps what takes a new way through the code.
//! What it finds stays in the target folder, for the next time; `--keep` chooses the corpora anew from everything that was found.

mod target;

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::Result;

pub(crate) use self::target::Target;
use crate::setup::{self, Scope};
use crate::usage::UsageError;
use crate::workspace::HOST_CRATES;
use crate::{bpf, process, workspace};

/// What to do with an input that breaks a target.
pub(crate) const ADVICE: &str = "\
each input that breaks a target is a file in fuzz/artifacts/TARGET: `target/debug/TARGET FILE` shows it again;
keep it as a packet vector or a unit test when it is mended";

pub(crate) fn main(args: &[OsString]) -> Result<ExitCode> {
    let Request { targets, seconds, keep } = Request::of(args)?;
    setup::ensure(Scope::Build)?;
    // lb-user includes the objects.
    bpf::build()?;
    build()?;
    process::run(&mut target::seeds()?)?;
    let mut broken = Vec::new();
    for target in targets {
        println!("fuzz: {} for {seconds} s", target.name());
        if process::run(&mut target.long_run(seconds)?).is_err() {
            broken.push(target.name());
        } else if keep {
            target.choose_corpus()?;
        }
    }
    if broken.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    println!("fuzz: broken: {}\n{ADVICE}", broken.join(", "));
    Ok(ExitCode::FAILURE)
}

/// Builds the targets. The workspace's crates are compiled for libFuzzer, all others as for any test.
pub(crate) fn build() -> Result<()> {
    let mut cargo = workspace::cargo()?;
    cargo.arg("build").args(HOST_CRATES).arg("--bin=seeds");
    cargo.args(Target::ALL.map(|target| format!("--bin={}", target.name())));
    cargo.env("RUSTC_WORKSPACE_WRAPPER", workspace::root().join("fuzz/instrument.sh"));
    process::run(&mut cargo)
}

/// What the command line asks for.
#[derive(Debug, PartialEq, Eq)]
struct Request {
    targets: Vec<Target>,
    /// For each target.
    seconds: u32,
    keep: bool,
}

impl Request {
    fn of(args: &[OsString]) -> Result<Self, UsageError> {
        let mut request = Self { targets: Vec::new(), seconds: 600, keep: false };
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            match arg.to_str() {
                Some("--keep") => request.keep = true,
                Some("--seconds") => {
                    let seconds = args.next().and_then(|seconds| seconds.to_str()?.parse().ok());
                    request.seconds = seconds.ok_or_else(|| UsageError::new("--seconds needs a number of seconds"))?;
                }
                name => {
                    let target = name.and_then(Target::from_name);
                    request.targets.push(target.ok_or_else(|| UsageError::unexpected("target", arg))?);
                }
            }
        }
        if request.targets.is_empty() {
            request.targets = Target::ALL.to_vec();
        }
        Ok(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(args: &[&str]) -> Result<Request, UsageError> {
        Request::of(&args.iter().map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn all_targets_have_ten_minutes_each() {
        assert_eq!(request(&[]).unwrap(), Request { targets: Target::ALL.to_vec(), seconds: 600, keep: false });
    }

    #[test]
    fn a_target_may_have_more() {
        let targets = vec![Target::from_name("decap").unwrap()];
        let expected = Request { targets, seconds: 3600, keep: true };
        assert_eq!(request(&["decap", "--seconds", "3600", "--keep"]).unwrap(), expected);
    }

    #[test]
    fn what_is_unknown_is_refused() {
        for args in [&["encap"][..], &["--seconds"], &["--seconds", "ever"], &["--fast"]] {
            assert!(request(args).is_err(), "{args:?}");
        }
    }
}
