//! What the binary needs of the system that it is to run on.

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::output;

/// Libraries that come with every glibc and GCC, and libpcap, which is a package everywhere. Anything else would have to be installed, in the
/// right version.
const AVAILABLE: [&str; 5] = ["libc.so.6", "libm.so.6", "libgcc_s.so.1", "ld-linux", "libpcap.so."];

/// The libraries that a binary is linked to.
pub(super) struct Linkage {
    libraries: BTreeSet<String>,
    /// Oldest glibc that has all that the binary uses, as `2.34`.
    pub(super) glibc: String,
}

impl Linkage {
    /// Looks into the binary, and fails if it needs what a system may not have.
    pub(super) fn of(binary: &Path) -> Result<Self> {
        let readelf = |option: &str| output(Command::new("readelf").arg(option).arg(binary));
        let libraries = needed(&readelf("--dynamic")?);
        let surplus = libraries.iter().find(|library| !AVAILABLE.iter().any(|known| library.starts_with(known)));
        if let Some(library) = surplus {
            bail!("{} is linked to {library}, which not every system has: link it statically", binary.display());
        }
        let glibc = newest_glibc(&readelf("--version-info")?)
            .with_context(|| format!("{} names no version of glibc", binary.display()))?;
        Ok(Self { libraries, glibc })
    }
}

impl fmt::Display for Linkage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let libraries: Vec<_> = self.libraries.iter().map(String::as_str).collect();
        write!(f, "glibc {} or newer, and nothing but {}", self.glibc, libraries.join(", "))
    }
}

/// The libraries in lines as `0x... (NEEDED)  Shared library: [libc.so.6]`.
fn needed(dynamic: &str) -> BTreeSet<String> {
    let lines = dynamic.lines().filter(|line| line.contains("(NEEDED)"));
    lines.filter_map(|line| Some(line.split_once('[')?.1.trim_end_matches(']').to_owned())).collect()
}

/// The newest of the versions in words as `GLIBC_2.34`.
fn newest_glibc(versions: &str) -> Option<String> {
    let named = versions.split_whitespace().filter_map(|word| word.strip_prefix("GLIBC_"));
    let numbers = |version: &str| -> Option<Vec<u32>> { version.split('.').map(|part| part.parse().ok()).collect() };
    let newest = named.filter_map(|version| Some((numbers(version)?, version))).max()?;
    Some(newest.1.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_are_read_off() {
        let dynamic = "Dynamic section at offset 0x1 contains 2 entries:\n  Tag        Type         Name/Value\n \
            0x0000000000000001 (NEEDED)             Shared library: [libgcc_s.so.1]\n \
            0x000000000000000e (SONAME)             Library soname: [me]\n \
            0x0000000000000001 (NEEDED)             Shared library: [libc.so.6]\n";
        assert_eq!(needed(dynamic).into_iter().collect::<Vec<_>>(), ["libc.so.6", "libgcc_s.so.1"]);
    }

    #[test]
    fn the_newest_version_counts_by_its_numbers() {
        let versions = "  0x0010:   Name: GLIBC_2.9  Flags: none  Version: 7\n  0x0020:   Name: GLIBC_2.34  Flags: none\n \
            0x0030:   Name: GLIBC_2.4 GLIBC_PRIVATE GCC_3.0\n";
        assert_eq!(newest_glibc(versions).as_deref(), Some("2.34"));
        assert_eq!(newest_glibc("nothing"), None);
    }
}
