//! `cargo xtask test`: the suites, and how many tests passed.

mod suite;
mod tally;

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::{Error, Result, bail};

use self::suite::Suite;
use self::tally::Tally;
use crate::usage::UsageError;
use crate::{bpf, fuzz, lint, privilege, setup, vm};

pub(crate) fn main(args: &[OsString]) -> Result<ExitCode> {
    match args.split_first() {
        None => all(),
        Some((name, args)) if name == "vm" => on_other_kernels(args),
        Some((name, args)) => match name.to_str().and_then(Suite::from_name) {
            Some(suite) => one(suite, args),
            None => Err(UsageError::unexpected("suite", name).into()),
        },
    }
}

/// Everything, and all of it: what fails doesn't keep the rest from being tested.
fn all() -> Result<ExitCode> {
    setup::ensure(setup::Scope::Lab)?;
    let mut total = lint();
    bpf::build()?;
    for suite in Suite::ALL {
        total += step(suite, &[]);
    }
    Ok(finish(total))
}

/// Takes too long to be one of [`all`].
fn on_other_kernels(args: &[OsString]) -> Result<ExitCode> {
    as_root("vm")?;
    Ok(finish(tally::count(&mut vm::test(args)?)?))
}

fn one(suite: Suite, args: &[OsString]) -> Result<ExitCode> {
    setup::ensure(suite.scope())?;
    bpf::build()?;
    Ok(finish(step(suite, args)))
}

fn lint() -> Tally {
    match lint::check() {
        Ok(()) => {
            println!("lint: ok");
            Tally::default()
        }
        Err(error) => broken("lint", &error),
    }
}

fn step(suite: Suite, args: &[OsString]) -> Tally {
    match run(suite, args) {
        Ok(tally) => {
            println!("{}: {tally}", suite.name());
            tally
        }
        Err(error) => broken(suite.name(), &error),
    }
}

fn run(suite: Suite, args: &[OsString]) -> Result<Tally> {
    if suite.needs_root() {
        as_root(suite.name())?;
    }
    suite.prepare()?;
    let mut tally = Tally::default();
    for mut command in suite.commands(args)? {
        tally += tally::count(&mut command)?;
    }
    for mut program in suite.programs(args)? {
        tally += tally::one(&mut program)?;
    }
    if suite == Suite::Fuzz && tally.failed > 0 {
        println!("{}", fuzz::ADVICE);
    }
    Ok(tally)
}

fn as_root(suite: &str) -> Result<()> {
    if !privilege::is_root()? {
        bail!(
            "needs root for its network namespaces and XDP programs; try: \
             sudo -E env \"PATH=$PATH\" cargo xtask test {suite}"
        );
    }
    Ok(())
}

/// What fails without a failed test to show for it, because it did not compile or could not start, counts as a
/// failed test: the numbers at the end must not read like a success.
fn broken(step: &str, error: &Error) -> Tally {
    println!("{step}: failed: {error:#}");
    Tally::BROKEN
}

/// The last line is for programs: only the two numbers.
fn finish(total: Tally) -> ExitCode {
    println!("{total}");
    if total.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
