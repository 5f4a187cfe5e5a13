//! The files of a package, where they are on a system that has it.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::{Release, output};
use crate::{process, workspace};

const DOCUMENTATION: &str = "usr/share/doc/handoff";
const MANUAL: &str = "usr/share/man/man1";

/// Files of the repository, and where they go.
const FILES: [(&str, &str); 10] = [
    ("packaging/handoff.service", "usr/lib/systemd/system/handoff.service"),
    ("packaging/handoff-tickets.service", "usr/lib/systemd/system/handoff-tickets.service"),
    ("packaging/handoff.sysusers", "usr/lib/sysusers.d/handoff.conf"),
    ("packaging/handoff.tmpfiles", "usr/lib/tmpfiles.d/handoff.conf"),
    ("packaging/handoff.toml", "usr/share/doc/handoff/examples/handoff.toml"),
    ("packaging/copyright", "usr/share/doc/handoff/copyright"),
    ("README.md", "usr/share/doc/handoff/README.md"),
    ("CHANGELOG.md", "usr/share/doc/handoff/CHANGELOG.md"),
    ("LICENSE-APACHE", "usr/share/doc/handoff/LICENSE-APACHE"),
    ("LICENSE-MIT", "usr/share/doc/handoff/LICENSE-MIT"),
];

/// Completions for a shell, and where it looks for them.
const COMPLETIONS: [(&str, &str); 3] = [
    ("bash", "usr/share/bash-completion/completions/handoff"),
    ("zsh", "usr/share/zsh/vendor-completions/_handoff"),
    ("fish", "usr/share/fish/vendor_completions.d/handoff.fish"),
];

/// A folder with all files of a package.
pub(super) struct Tree {
    root: PathBuf,
}

impl Tree {
    /// Collects the files in the folder `root`, and has the binary write its manual pages and completions.
    pub(super) fn grow(root: &Path, binary: &Path, release: &Release) -> Result<Self> {
        let tree = Self { root: root.to_owned() };
        tree.binary(binary)?;
        for (from, to) in FILES {
            tree.copy(&workspace::root().join(from), to)?;
        }
        tree.documentation()?;
        tree.manual(binary)?;
        for (shell, to) in COMPLETIONS {
            let script = output(Command::new(binary).args(["completions", shell]))?;
            tree.write(to, &(script + "\n"))?;
        }
        tree.settle(root, release)?;
        Ok(tree)
    }

    /// Where the files are.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// The binary without what only a debugger reads, which is most of it.
    fn binary(&self, binary: &Path) -> Result<()> {
        let to = self.place("usr/bin/handoff")?;
        process::run(Command::new("strip").arg("-o").arg(to).arg(binary))
    }

    fn documentation(&self) -> Result<()> {
        self.copy_folder(&workspace::root().join("docs"), DOCUMENTATION)
    }

    /// Copies a folder with all that is in it.
    fn copy_folder(&self, from: &Path, to: &str) -> Result<()> {
        for name in names(from)? {
            let (file, to) = (from.join(&name), format!("{to}/{name}"));
            if file.is_dir() { self.copy_folder(&file, &to)? } else { self.copy(&file, &to)? }
        }
        Ok(())
    }

    fn manual(&self, binary: &Path) -> Result<()> {
        let folder = self.root.join(MANUAL);
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        process::run(Command::new(binary).arg("man").arg(&folder))?;
        for name in names(&folder)? {
            // Without name and time, which would differ with every build.
            process::run(Command::new("gzip").args(["-9", "--no-name"]).arg(folder.join(name)))?;
        }
        Ok(())
    }

    fn copy(&self, from: &Path, to: &str) -> Result<()> {
        let content = fs::read(from).with_context(|| format!("cannot read {}", from.display()))?;
        self.write(to, &content)
    }

    fn write(&self, to: &str, content: impl AsRef<[u8]>) -> Result<()> {
        let to = self.place(to)?;
        fs::write(&to, content).with_context(|| format!("cannot write {}", to.display()))
    }

    /// The path of a file, whose folder is made.
    fn place(&self, to: &str) -> Result<PathBuf> {
        let to = self.root.join(to);
        let folder = to.parent().unwrap_or(&self.root);
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        Ok(to)
    }

    /// Gives everything below `path` the mode and the time of the release, whatever the caller's umask and clock are.
    fn settle(&self, path: &Path, release: &Release) -> Result<()> {
        let is_program = path.is_dir() || path.starts_with(self.root.join("usr/bin"));
        let mode = Permissions::from_mode(if is_program { 0o755 } else { 0o644 });
        let seconds = release.time.parse().context("the time of the sources is no number")?;
        if path.is_dir() {
            for name in names(path)? {
                self.settle(&path.join(name), release)?;
            }
        }
        let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
        let settled = fs::set_permissions(path, mode).and_then(|()| File::open(path)?.set_modified(time));
        settled.with_context(|| format!("cannot set mode and time of {}", path.display()))
    }
}

/// What is in a folder, sorted.
pub(super) fn names(folder: &Path) -> Result<Vec<String>> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut names: Vec<_> = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    Ok(names)
}
