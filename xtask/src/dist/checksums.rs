//! `SHA256SUMS`, as `sha256sum --check` reads it.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use super::output;

/// Writes the checksums of these files in `folder`.
pub(super) fn write(folder: &Path, names: &[String]) -> Result<()> {
    let sums = output(Command::new("sha256sum").args(names).current_dir(folder))?;
    let path = folder.join("SHA256SUMS");
    fs::write(&path, sums + "\n").with_context(|| format!("cannot write {}", path.display()))
}
