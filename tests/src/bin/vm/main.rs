//! `cargo xtask test vm` and `bench vm`: Handoff on other kernels than the running one, each in a machine of qemu's.

mod bench;
mod image;
mod kernel;
mod machine;
mod matrix;
mod modules;
mod test;
mod transcript;

use anyhow::Result;
use clap::{Parser, Subcommand};
use image::Image;
use kernel::Kernel;
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
    /// Measure Handoff next to its peers on each kernel, IPVS among them.
    #[command(name = "bench", display_name = "cargo xtask bench vm")]
    Bench(bench::Args),
}

/// The kernels, by the first two numbers of their versions: those of Debian 12.
const SERIES: [&str; 2] = ["6.1", "6.12"];

/// The folder of kernels, images and logs.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/vm")
}

/// An image that does nothing.
fn empty_image(kernel: &Kernel) -> Result<PathBuf> {
    let path = folder().join("empty.img");
    let image = Image::of(kernel, &[])?;
    image.steps(&[])?;
    image.pack(&path)?;
    Ok(path)
}

fn main() -> Result<ExitCode> {
    match Args::parse().what {
        What::Test(args) => test::main(&args),
        What::Bench(args) => bench::main(&args),
    }
}
