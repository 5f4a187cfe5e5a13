//! Counts tests by the result lines that the test programs print.

use std::fmt;
use std::io::{self, BufRead, BufReader, Write};
use std::ops::AddAssign;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use crate::process;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) passed: usize,
    pub(super) failed: usize,
}

/// Runs `command` in sight of the user and adds up the result lines in its output.
pub(super) fn count(command: &mut Command) -> Result<Tally> {
    let mut child = command.stdout(Stdio::piped()).spawn().with_context(|| process::cannot_start(command))?;
    let mut tally = Tally::default();
    if let Some(output) = child.stdout.take() {
        tally = pass_on(BufReader::new(output), &mut io::stdout().lock())
            .with_context(|| format!("cannot show the output of `{}`", process::shown(command)))?;
    }
    let status = child.wait().with_context(|| format!("lost sight of `{}`", process::shown(command)))?;
    if !status.success() && tally.failed == 0 {
        eprintln!("xtask: `{}` broke off ({status})", process::shown(command));
        tally += Tally::BROKEN;
    }
    Ok(tally)
}

/// Runs `command`, which is one test. What it has to say is shown if it fails.
pub(super) fn one(command: &mut Command) -> Result<Tally> {
    let output = command.output().with_context(|| process::cannot_start(command))?;
    let name = Path::new(command.get_program()).file_name().unwrap_or_default().display();
    if output.status.success() {
        println!("test {name} ... ok");
        return Ok(Tally { passed: 1, failed: 0 });
    }
    io::stdout().write_all(&[output.stdout, output.stderr].concat()).context("cannot show what a test said")?;
    println!("test {name} ... FAILED ({})", output.status);
    Ok(Tally { passed: 0, failed: 1 })
}

/// Copies bytes, not text: a test may print what it likes.
fn pass_on(mut from: impl BufRead, to: &mut impl Write) -> io::Result<Tally> {
    let mut tally = Tally::default();
    let mut line = Vec::new();
    while from.read_until(b'\n', &mut line)? > 0 {
        to.write_all(&line)?;
        to.flush()?;
        if let Some(result) = Tally::of_line(&String::from_utf8_lossy(&line)) {
            tally += result;
        }
        line.clear();
    }
    Ok(tally)
}

impl Tally {
    /// What did not get as far as to its tests.
    pub(super) const BROKEN: Self = Self { passed: 0, failed: 1 };

    /// Reads `test result: ok. 5 passed; 1 failed; 0 ignored; ...`, and nothing else.
    fn of_line(line: &str) -> Option<Self> {
        let (_, counts) = line.strip_prefix("test result: ")?.split_once(". ")?;
        let mut counts = counts.split("; ");
        Some(Self {
            passed: counts.next()?.strip_suffix(" passed")?.parse().ok()?,
            failed: counts.next()?.strip_suffix(" failed")?.parse().ok()?,
        })
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &[u8] = b"running 2 tests\n\
        test result: it says. nothing\n\
        \xff not text\n\
        test result: ok. 5 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s\n\
        test result: FAILED. 2 passed; 3 failed; 0 ignored; 0 measured; 0 filtered out\n\
        no newline";

    #[test]
    fn result_lines_are_added_up_and_the_output_passes_unchanged() {
        let mut seen = Vec::new();
        let tally = pass_on(OUTPUT, &mut seen).unwrap();
        assert_eq!(tally.to_string(), "7 passed, 3 failed");
        assert_eq!(seen, OUTPUT);
    }

    #[test]
    fn a_program_that_breaks_off_counts_as_a_failure() {
        assert_eq!(count(Command::new("sh").args(["-c", "exit 101"])).unwrap(), Tally::BROKEN);
        assert_eq!(count(&mut Command::new("true")).unwrap(), Tally::default());
    }

    #[test]
    fn a_program_may_be_one_test() {
        assert_eq!(one(&mut Command::new("true")).unwrap(), Tally { passed: 1, failed: 0 });
        assert_eq!(one(&mut Command::new("false")).unwrap(), Tally { passed: 0, failed: 1 });
    }
}
