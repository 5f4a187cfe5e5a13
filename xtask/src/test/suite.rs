//! The suites: which test programs they are, and what those need.

use std::ffi::OsString;
use std::process::Command;

use anyhow::Result;

use crate::build::{self, Profile};
use crate::fuzz::{self, Target};
use crate::setup::Scope;
use crate::workspace::HOST_CRATES;
use crate::{bpf, dist, workspace};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Suite {
    Unit,
    Vectors,
    Fuzz,
    Dist,
    EndToEnd,
}

/// End-to-end tests in which time or a processor's work counts, by the beginnings of their names: nothing runs beside them. All others wait more
/// than they work, so two of them run at once.
const MEASURING: [&str; 4] = ["failing_backends::", "flood::", "run_time::", "take_over::"];

/// How end-to-end tests run one at a time.
const ALONE: [&str; 3] = ["--test=e2e", "--", "--test-threads=1"];

impl Suite {
    pub(super) const ALL: [Self; 5] = [Self::Unit, Self::Vectors, Self::Fuzz, Self::Dist, Self::EndToEnd];

    pub(super) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|suite| suite.name() == name)
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Unit => "unit",
            Self::Vectors => "vectors",
            Self::Fuzz => "fuzz",
            Self::Dist => "dist",
            Self::EndToEnd => "e2e",
        }
    }

    pub(super) fn scope(self) -> Scope {
        match self {
            Self::Unit | Self::Fuzz => Scope::Build,
            Self::Dist => Scope::Dist,
            Self::Vectors | Self::EndToEnd => Scope::Lab,
        }
    }

    pub(super) fn needs_root(self) -> bool {
        self.scope() == Scope::Lab
    }

    /// Builds what the tests start, which cargo does not know of.
    pub(super) fn prepare(self) -> Result<()> {
        match self {
            Self::Unit | Self::Vectors => Ok(()),
            Self::Fuzz => fuzz::build(),
            Self::Dist => dist::build(),
            Self::EndToEnd => {
                bpf::build_other()?;
                build::handoff(Profile::Release)
            }
        }
    }

    /// The calls of cargo that run the suite; `args` go to the test programs.
    pub(super) fn commands(self, args: &[OsString]) -> Result<Vec<Command>> {
        let calls: Vec<Vec<&str>> = match self {
            Self::Unit => {
                vec![vec![
                    "--lib",
                    "--bin=xtask",
                    "--bin=bench",
                    "--bin=peers",
                    "--bin=vm",
                    "--test=properties",
                    "--test=decap",
                    "--",
                ]]
            }
            Self::Vectors => vec![vec!["--test=vectors", "--test=decap_kernel", "--"]],
            Self::Fuzz => vec![],
            Self::Dist => vec![vec!["--test=dist", "--"]],
            Self::EndToEnd if args.is_empty() => {
                let (mut others, mut alone) = (vec!["--test=e2e", "--", "--test-threads=2"], ALONE.to_vec());
                others.extend(MEASURING.iter().flat_map(|name| ["--skip", name]));
                alone.extend(MEASURING);
                vec![others, alone]
            }
            Self::EndToEnd => vec![ALONE.to_vec()],
        };
        calls.iter().map(|call| self.command(call, args)).collect()
    }

    fn command(self, call: &[&str], args: &[OsString]) -> Result<Command> {
        let mut cargo = workspace::cargo()?;
        cargo.args(["test", "--no-fail-fast"]).args(HOST_CRATES).args(call).args(args);
        if self == Self::EndToEnd {
            cargo.env("HANDOFF_BIN", workspace::binary(Profile::Release, "handoff")?);
        }
        if self == Self::Dist {
            cargo.env("HANDOFF_DIST", dist::folder()?);
        }
        Ok(cargo)
    }

    /// Programs that are one test each, but for those whose names have none of `args` in them.
    pub(super) fn programs(self, args: &[OsString]) -> Result<Vec<Command>> {
        let is_meant =
            |name: &str| args.is_empty() || args.iter().filter_map(|arg| arg.to_str()).any(|arg| name.contains(arg));
        let targets = Target::ALL.into_iter().filter(|target| self == Self::Fuzz && is_meant(target.name()));
        targets.map(Target::brief_run).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process;

    #[test]
    fn every_suite_is_found_by_its_name() {
        for suite in Suite::ALL {
            assert_eq!(Suite::from_name(suite.name()), Some(suite));
        }
        assert_eq!(Suite::from_name("lint"), None);
    }

    #[test]
    fn arguments_go_to_the_test_programs() {
        for suite in Suite::ALL {
            for command in suite.commands(&["drain".into()]).unwrap() {
                let shown = process::shown(&command);
                let (_, to_tests) = shown.split_once(" -- ").unwrap();
                assert!(to_tests.ends_with("drain"), "{shown}");
            }
        }
    }

    #[test]
    fn every_end_to_end_test_runs_once() {
        let [others, alone] = &Suite::EndToEnd.commands(&[]).unwrap()[..] else { panic!("not in two calls") };
        let (others, alone) = (process::shown(others), process::shown(alone));
        for name in MEASURING {
            assert!(others.contains(&format!("--skip {name}")) && alone.contains(name), "{others}\n{alone}");
        }
        assert_eq!(others.matches("--skip").count(), MEASURING.len());
    }

    #[test]
    fn fuzz_targets_are_found_by_a_part_of_their_names() {
        let programs = |args: &[&str]| {
            let args: Vec<OsString> = args.iter().map(OsString::from).collect();
            Suite::Fuzz.programs(&args).unwrap().len()
        };
        assert_eq!([programs(&[]), programs(&["o"]), programs(&["decap"]), programs(&["drain"])], [9, 5, 1, 0]);
        assert!(Suite::Unit.programs(&[]).unwrap().is_empty());
    }
}
