use super::root;
use crate::figures::Table;
use anyhow::{Context, Result, ensure};
use std::fs;

/// The fuzz targets, and what each of them holds: the first line of its file.
pub(super) fn table() -> Result<Table> {
    let mut targets = Vec::new();
    for entry in fs::read_dir(root().join("fuzz/fuzz_targets"))? {
        let path = entry?.path();
        let name = path.file_stem().context("a file has a name")?.to_string_lossy().into_owned();
        let text = fs::read_to_string(&path)?;
        let what = text.lines().next().and_then(|line| line.strip_prefix("//! "));
        targets.push((
            name,
            what.with_context(|| format!("{}: it does not say what it holds", path.display()))?.to_owned(),
        ));
    }
    ensure!(!targets.is_empty(), "there are no fuzz targets");
    targets.sort();
    let mut table = Table::new(&["", "what holds for any input"]);
    for (name, what) in targets {
        table.row([format!("`{name}`"), what]);
    }
    Ok(table)
}
