//! The project's tasks: `cargo xtask <command>`.
//!
//! Needs nothing but cargo, so that it is what brings a fresh machine to a working build (`setup`).

mod bench;
mod bpf;
mod build;
mod deny;
mod dist;
mod fuzz;
mod lint;
mod privilege;
mod process;
mod run;
mod screenshots;
mod security;
mod setup;
mod soak;
mod test;
mod tool;
mod usage;
mod vm;
mod workspace;

use std::env;
use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::process::Failed;
use crate::usage::{USAGE, UsageError};

fn main() -> ExitCode {
    let args: Vec<OsString> = env::args_os().skip(1).collect();
    dispatch(&args).unwrap_or_else(|error| {
        eprintln!("xtask: {error:#}");
        exit_code(&error)
    })
}

fn dispatch(args: &[OsString]) -> Result<ExitCode> {
    let Some((command, rest)) = args.split_first() else {
        return Err(UsageError::new("a command is missing").into());
    };
    let asks_for_help = |arg: &OsString| arg == "--help" || arg == "-h";
    if command == "help" || asks_for_help(command) || rest.first().is_some_and(asks_for_help) {
        writeln!(io::stdout(), "{USAGE}").context("cannot print the help")?;
        return Ok(ExitCode::SUCCESS);
    }
    match command.to_str() {
        Some("setup") => setup::main(rest),
        Some("build") => build::main(rest),
        Some("run") => run::main(rest),
        Some("test") => test::main(rest),
        Some("fuzz") => fuzz::main(rest),
        Some("lint") => lint::main(rest),
        Some("deny") => deny::main(rest),
        Some("bench") => bench::main(rest),
        Some("soak") => soak::main(rest),
        Some("security") => security::main(rest),
        Some("screenshots") => screenshots::main(rest),
        Some("dist") => dist::main(rest),
        _ => Err(UsageError::unexpected("command", command).into()),
    }
}

/// 64 for a usage error (EX_USAGE), what the failed child said if one failed, otherwise 1.
fn exit_code(error: &anyhow::Error) -> ExitCode {
    if error.is::<UsageError>() {
        return ExitCode::from(64);
    }
    error.downcast_ref::<Failed>().map_or(ExitCode::FAILURE, Failed::exit_code)
}
