use anyhow::{Context, Result};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::process::Command;

/// What figures hold for: the machine, and what else was measured on it. It says nothing of whose machine that is.
#[derive(Clone, Debug, Serialize)]
pub struct Machine {
    /// Model of its processors.
    pub cpu: String,
    /// How many there are.
    pub cpus: usize,
    /// Memory, in GiB.
    pub memory_gib: u64,
    /// Release of the kernel.
    pub kernel: String,
    /// Versions of other programs.
    pub versions: BTreeMap<String, String>,
}

impl Machine {
    /// This machine.
    ///
    /// # Errors
    /// When `/proc` cannot be read.
    pub fn inspect() -> Result<Self> {
        let read = |path| fs::read_to_string(path).with_context(|| format!("{path}: cannot read it"));
        let cpuinfo = read("/proc/cpuinfo")?;
        let memory = read("/proc/meminfo")?;
        let memory_kib = field(&memory, "MemTotal").and_then(|text| text.split(' ').next()?.parse::<u64>().ok());
        Ok(Self {
            cpu: field(&cpuinfo, "model name").unwrap_or("a processor without a name").to_owned(),
            cpus: cpuinfo.lines().filter(|line| line.starts_with("processor")).count(),
            memory_gib: memory_kib.context("/proc/meminfo has no MemTotal")?.div_ceil(1 << 20),
            kernel: read("/proc/sys/kernel/osrelease")?.trim().to_owned(),
            versions: BTreeMap::new(),
        })
    }

    /// With the versions of these programs too.
    #[must_use]
    pub fn with_versions(self, versions: impl IntoIterator<Item = (String, String)>) -> Self {
        Self { versions: versions.into_iter().collect(), ..self }
    }
}

/// The value in the first line `key : value`.
fn field<'a>(lines: &'a str, key: &str) -> Option<&'a str> {
    let values = lines.lines().filter_map(|line| line.split_once(':'));
    values.map(|(name, value)| (name.trim(), value.trim())).find(|(name, _)| *name == key).map(|(_, value)| value)
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cpu, cpus, memory_gib, kernel, versions } = self;
        write!(f, "{cpu}, {cpus} CPUs, {memory_gib} GiB, Linux {kernel}")?;
        versions.iter().try_for_each(|(name, version)| write!(f, ", {name} {version}"))
    }
}

/// The version that a program says it has: the first word of what it prints, on either stream, that begins with a digit or with `v` and a
/// digit, or that has one behind a slash.
///
/// # Errors
/// When it cannot be started, or prints no version.
pub fn version(command: &mut Command) -> Result<String> {
    let about = || format!("{}: cannot tell its version", command.get_program().to_string_lossy());
    let name = about();
    let output = command.output().with_context(|| name.clone())?;
    let text = [output.stdout, output.stderr].concat();
    version_in(&String::from_utf8_lossy(&text)).with_context(|| name)
}

fn version_in(text: &str) -> Option<String> {
    let candidates = text.split_whitespace().map(|word| word.rsplit_once('/').map_or(word, |(_, version)| version));
    let mut versions = candidates.map(|word| word.strip_prefix('v').unwrap_or(word));
    let found = versions.find(|word| word.contains('.') && word.starts_with(|first: char| first.is_ascii_digit()))?;
    Some(found.trim_end_matches([',', ';', ')']).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_in_what_programs_print() {
        for (text, version) in [
            ("nftables v1.0.6 (Lester Gooch #5)", "1.0.6"),
            ("HAProxy version 2.6.12-1+deb12u4 2025/10/01 - https://haproxy.org/", "2.6.12-1+deb12u4"),
            ("nginx version: nginx/1.22.1", "1.22.1"),
            ("handoff 0.1.0", "0.1.0"),
        ] {
            assert_eq!(version_in(text).as_deref(), Some(version));
        }
        assert_eq!(version_in("no version 7"), None);
    }

    #[test]
    fn the_machine_is_described_with_all_versions() {
        let machine = Machine {
            cpu: "A CPU".to_owned(),
            cpus: 2,
            memory_gib: 4,
            kernel: "6.1.0".to_owned(),
            versions: BTreeMap::new(),
        };
        let machine = machine.with_versions([("nginx".to_owned(), "1.2".to_owned())]);
        assert_eq!(machine.to_string(), "A CPU, 2 CPUs, 4 GiB, Linux 6.1.0, nginx 1.2");
        assert_eq!(field("a: 1\nmodel name\t: X: Y\n", "model name"), Some("X: Y"));
    }
}
