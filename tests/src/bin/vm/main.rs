//! `cargo xtask test vm`: Handoff on other kernels than the running one, each in a machine of qemu's.

mod image;
mod kernel;
mod machine;
mod matrix;
mod modules;
mod test;
mod transcript;

use anyhow::Result;
use clap::{Parser, Subcommand};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(Parser)]
#[command(name = "vm")]
struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Load every program, play the packet vectors and have connections balanced, on each kernel.
    #[command(name = "test", display_name = "cargo xtask test vm")]
    Test(test::Args),
}

/// The kernels, by the first two numbers of their versions: those of Debian 12.
const SERIES: [&str; 2] = ["6.1", "6.12"];

/// The folder of kernels, images and logs.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/vm")
}

fn main() -> Result<ExitCode> {
    match Args::parse().what {
        What::Test(args) => test::main(&args),
    }
}
