//! The suites: which test programs they are, and what those need.

use std::ffi::OsString;
use std::process::Command;

use anyhow::Result;

use crate::build::{self, Profile};
use crate::setup::Scope;
use crate::workspace;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Suite {
    Unit,
    Vectors,
    EndToEnd,
}

impl Suite {
    pub(super) const ALL: [Self; 3] = [Self::Unit, Self::Vectors, Self::EndToEnd];

    pub(super) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|suite| suite.name() == name)
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Unit => "unit",
            Self::Vectors => "vectors",
            Self::EndToEnd => "e2e",
        }
    }

    pub(super) fn scope(self) -> Scope {
        match self {
            Self::Unit => Scope::Build,
            Self::Vectors | Self::EndToEnd => Scope::Lab,
        }
    }

    pub(super) fn needs_root(self) -> bool {
        self != Self::Unit
    }

    /// Builds what the tests start, which cargo does not know of.
    pub(super) fn prepare(self) -> Result<()> {
        match self {
            Self::Unit | Self::Vectors => Ok(()),
            Self::EndToEnd => build::handoff(Profile::Release),
        }
    }

    /// The calls of cargo that run the suite; `args` go to the test programs.
    pub(super) fn commands(self, args: &[OsString]) -> Result<Vec<Command>> {
        let calls: &[&[&str]] = match self {
            Self::Unit => &[
                &["--package=lb-common", "--package=lb-user", "--package=xtask", "--lib", "--bins", "--tests", "--"],
                &["--package=lb-tests", "--lib", "--test=properties", "--test=decap", "--"],
            ],
            Self::Vectors => &[&["--package=lb-tests", "--release", "--test=vectors", "--test=decap_kernel", "--"]],
            // One at a time: the tests share the host's network namespaces, pins and processors.
            Self::EndToEnd => &[&["--package=lb-tests", "--release", "--test=e2e", "--", "--test-threads=1"]],
        };
        calls.iter().map(|call| self.command(call, args)).collect()
    }

    fn command(self, call: &[&str], args: &[OsString]) -> Result<Command> {
        let mut cargo = workspace::cargo()?;
        cargo.args(["test", "--no-fail-fast"]).args(call).args(args);
        if self == Self::EndToEnd {
            cargo.env("HANDOFF_BIN", workspace::release_binary("handoff")?);
        }
        Ok(cargo)
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
}
