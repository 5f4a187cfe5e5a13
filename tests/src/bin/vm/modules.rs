//! Modules of a kernel, and those that they need.

use anyhow::{Context, Result, ensure};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A module, as it is loaded.
pub(crate) struct Module {
    pub(crate) name: String,
    pub(crate) content: Vec<u8>,
}

/// These modules and all that they need, in an order that they can be loaded in. What is built into the kernel is no module.
pub(crate) fn closure(folder: &Path, wanted: &[&str]) -> Result<Vec<Module>> {
    let mut files = BTreeMap::new();
    find(&folder.join("kernel"), &mut files)?;
    let built_in = fs::read_to_string(folder.join("modules.builtin")).context("modules.builtin")?;
    let built_in: Vec<String> = built_in.lines().filter_map(|line| name_of(Path::new(line))).collect();
    let mut ordered = Vec::new();
    for name in wanted {
        add(name, &files, &built_in, &mut ordered).with_context(|| format!("{}: {name}", folder.display()))?;
    }
    Ok(ordered)
}

fn add(name: &str, files: &BTreeMap<String, PathBuf>, built_in: &[String], to: &mut Vec<Module>) -> Result<()> {
    if built_in.iter().any(|known| known == name) || to.iter().any(|module| module.name == name) {
        return Ok(());
    }
    let path = files.get(name).with_context(|| format!("the kernel has no module {name}"))?;
    let content = read(path)?;
    for needed in needs(&content).with_context(|| format!("{}: it does not say what it needs", path.display()))? {
        add(&needed, files, built_in, to)?;
    }
    to.push(Module { name: name.to_owned(), content });
    Ok(())
}

/// All modules below `folder`, by name.
fn find(folder: &Path, files: &mut BTreeMap<String, PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("{}: cannot list it", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            find(&path, files)?;
        } else if let Some(name) = name_of(&path) {
            files.insert(name, path);
        }
    }
    Ok(())
}

/// The name of the module in a file; file names may have a hyphen where the name has an underscore.
fn name_of(path: &Path) -> Option<String> {
    let (name, kind) = path.file_name()?.to_str()?.split_once('.')?;
    ["ko", "ko.xz"].contains(&kind).then(|| name.replace('-', "_"))
}

fn read(path: &Path) -> Result<Vec<u8>> {
    if path.extension().is_some_and(|extension| extension == "xz") {
        let output = Command::new("xz").arg("-dc").arg(path).output().context("cannot start `xz`")?;
        ensure!(output.status.success(), "`xz -dc {}` failed ({})", path.display(), output.status);
        return Ok(output.stdout);
    }
    fs::read(path).with_context(|| format!("{}: cannot read it", path.display()))
}

/// The modules that a module says it needs, in its text `depends=one,other`, which ends with a 0.
fn needs(content: &[u8]) -> Option<Vec<String>> {
    const KEY: &[u8] = b"\0depends=";
    let start = content.windows(KEY.len()).position(|window| window == KEY)? + KEY.len();
    let text = content[start..].split(|&byte| byte == 0).next()?;
    let names = std::str::from_utf8(text).ok()?.split(',').filter(|name| !name.is_empty());
    Some(names.map(|name| name.replace('-', "_")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_say_what_they_need() {
        let names = |text: &[u8]| needs(text).map(|names| names.join(" "));
        assert_eq!(names(b"ELF\0license=GPL\0depends=nf_tables,nf-nat\0x").as_deref(), Some("nf_tables nf_nat"));
        assert_eq!(names(b"\0depends=\0x").as_deref(), Some(""));
        assert_eq!(names(b"nothing"), None);
    }

    #[test]
    fn names_follow_from_files() {
        assert_eq!(name_of(Path::new("kernel/net/nf-nat.ko.xz")).as_deref(), Some("nf_nat"));
        assert_eq!(name_of(Path::new("modules.dep")), None);
    }
}
