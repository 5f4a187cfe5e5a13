use super::root;
use crate::figures::Table;
use anyhow::{Context, Result, ensure};
use std::fs;

/// The units, and the settings of theirs that are about rights.
const UNITS: [&str; 2] = ["handoff.service", "handoff-tickets.service"];
const SETTINGS: [&str; 11] = [
    "User",
    "AmbientCapabilities",
    "CapabilityBoundingSet",
    "NoNewPrivileges",
    "SystemCallFilter",
    "RestrictAddressFamilies",
    "ProtectSystem",
    "ReadWritePaths",
    "MemoryDenyWriteExecute",
    "LimitCORE",
    "UMask",
];

pub(super) fn table() -> Result<Table> {
    let mut texts = Vec::new();
    for unit in UNITS {
        let path = root().join("packaging").join(unit);
        texts.push(fs::read_to_string(&path).with_context(|| path.display().to_string())?);
    }
    let mut table = Table::new(&[&[""], &UNITS[..]].concat());
    for setting in SETTINGS {
        let values: Vec<_> = texts.iter().map(|text| value(text, setting)).collect();
        ensure!(values.iter().any(|value| !value.is_empty()), "no unit has {setting}");
        table.row([format!("`{setting}`")].into_iter().chain(values));
    }
    Ok(table)
}

/// What a unit says of a setting, which may be there more than once.
fn value(unit: &str, setting: &str) -> String {
    let values: Vec<_> = unit
        .lines()
        .filter_map(|line| line.strip_prefix(setting)?.strip_prefix('='))
        .map(|it| format!("`{it}`"))
        .collect();
    values.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_lines_of_a_setting_count() {
        let unit = "[Service]\nUser=handoff\nSystemCallFilter=@a\nSystemCallFilter=~@b\n#User=x\n";
        assert_eq!(value(unit, "SystemCallFilter"), "`@a`, `~@b`");
        assert_eq!((value(unit, "User").as_str(), value(unit, "UMask").as_str()), ("`handoff`", ""));
    }
}
