//! Writes inputs to begin with into a folder.

use anyhow::{Context, Result};
use std::env;
use std::path::PathBuf;

fn main() -> Result<()> {
    let folder: PathBuf = env::args_os().nth(1).context("usage: seeds FOLDER")?.into();
    lb_fuzz::seeds::write(&folder)
}
