//! Debian's kernels: packages that are unpacked, and not installed.

use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A kernel, and its modules.
#[derive(Clone, Debug)]
pub(crate) struct Kernel {
    /// The first two numbers of its version.
    pub(crate) series: String,
    /// What it calls itself.
    pub(crate) release: String,
    /// What is booted.
    pub(crate) image: PathBuf,
    /// Folder of its modules.
    pub(crate) modules: PathBuf,
}

/// The newest kernel of a series that the system's sources of packages have, below `folder`; it is loaded once.
pub(crate) fn fetch(series: &str, folder: &Path) -> Result<Kernel> {
    let package = newest(series)?;
    let unpacked = folder.join(&package);
    if !unpacked.join("boot").is_dir() {
        let loading = folder.join(format!("{package}.new"));
        let _ = fs::remove_dir_all(&loading);
        fs::create_dir_all(&loading).with_context(|| format!("{}: cannot make it", loading.display()))?;
        said(Command::new("apt-get").args(["download", "-q", &package]).current_dir(&loading))?;
        let archive = only_file(&loading)?;
        said(Command::new("dpkg").arg("-x").args([&archive, &loading]))?;
        fs::remove_file(archive)?;
        fs::rename(&loading, &unpacked)?;
    }
    let release = package.trim_start_matches("linux-image-").trim_end_matches("-unsigned").to_owned();
    let image = unpacked.join("boot").join(format!("vmlinuz-{release}"));
    ensure!(image.is_file(), "{}: the package {package} has no such file", image.display());
    let modules = unpacked.join("lib/modules").join(&release);
    Ok(Kernel { series: series.to_owned(), release, image, modules })
}

/// Name of the package with the newest kernel of the series.
fn newest(series: &str) -> Result<String> {
    let pattern = format!("^linux-image-{}[.].*-cloud-amd64-unsigned$", series.replace('.', "[.]"));
    let found = said(Command::new("apt-cache").args(["search", "--names-only", &pattern]))?;
    let names = found.lines().filter_map(|line| line.split_whitespace().next());
    let newest = names.max_by_key(|name| numbers(name));
    newest.map(str::to_owned).with_context(|| {
        format!("apt knows no package linux-image-{series}.*-cloud-amd64-unsigned: run `apt-get update`, on Debian 12 or newer")
    })
}

/// The numbers in a name, which decide what is newer.
fn numbers(name: &str) -> Vec<u64> {
    name.split(|letter: char| !letter.is_ascii_digit()).filter_map(|digits| digits.parse().ok()).collect()
}

fn only_file(folder: &Path) -> Result<PathBuf> {
    let mut files = fs::read_dir(folder)?;
    let file = files.next().with_context(|| format!("{}: apt-get has left nothing there", folder.display()))?;
    Ok(file?.path())
}

/// What a program says when it is successful.
pub(crate) fn said(command: &mut Command) -> Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().with_context(|| format!("cannot start `{name}`; `cargo xtask setup` knows more"))?;
    let problem = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "`{name}` failed ({}): {}", output.status, problem.trim());
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_is_the_one_with_the_greatest_numbers() {
        let names = ["linux-image-6.1.0-9-cloud-amd64-unsigned", "linux-image-6.1.0-56-cloud-amd64-unsigned"];
        assert_eq!(names.into_iter().max_by_key(|name| numbers(name)), Some(names[1]));
        assert!(numbers("linux-image-6.12.107+deb12-cloud-amd64") < numbers("linux-image-6.12.117+deb12-cloud-amd64"));
    }
}
