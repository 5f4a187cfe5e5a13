//! `cargo xtask security`: what running agents may do and where they can be reached, for docs/security.md.

use anyhow::Result;
use clap::Parser;
use lb_tests::exposure;
use lb_tests::figures::replace_section;
use std::path::Path;

/// Look at what running agents may do, where they can be reached, and who may read their files.
#[derive(Parser)]
#[command(name = "cargo xtask security")]
struct Args {
    /// Write it to docs/security.md.
    #[arg(long)]
    publish: bool,
}

fn main() -> Result<()> {
    let args = Args::parse();
    let section = exposure::section()?;
    println!("{section}");
    if args.publish {
        replace_section(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/security.md"), "exposure", &section)?;
    }
    Ok(())
}
