use crate::figures::Table;
use crate::scene::Scene;
use anyhow::{Context, Result};
use lb_user::lab::Node;
use std::fmt;
use std::fs::{self, FileType};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::Path;

/// Files and folders of an agent: where, which kind, and their modes.
pub(super) struct Files(Vec<(String, &'static str, u32)>);

impl Files {
    /// Looks at them.
    pub(super) fn look(scene: &Scene, keys: &Path) -> Result<Self> {
        let site = scene.site();
        let mut files = Self(Vec::new());
        files.add(&site.control_socket(), "control socket")?;
        files.add_all(&site.state_folder(), "state folder")?;
        files.add_all(keys, "folder of ticket keys")?;
        files.add(&site.pin_folder(Node::Balancer), "pin folder")?;
        files.0.sort();
        Ok(files)
    }

    fn add(&mut self, path: &Path, name: &str) -> Result<()> {
        let metadata = fs::symlink_metadata(path).with_context(|| path.display().to_string())?;
        self.0.push((name.to_owned(), kind(metadata.file_type()), metadata.permissions().mode() & 0o7777));
        Ok(())
    }

    /// A folder, and all that is in it.
    fn add_all(&mut self, folder: &Path, name: &str) -> Result<()> {
        self.add(folder, name)?;
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            let name = format!("{name}: `{}`", path.file_name().context("a file has a name")?.to_string_lossy());
            if path.is_dir() { self.add_all(&path, &name)? } else { self.add(&path, &name)? }
        }
        Ok(())
    }
}

impl fmt::Display for Files {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = Table::new(&["", "what", "mode"]);
        for (name, kind, mode) in &self.0 {
            table.row([name.clone(), (*kind).to_owned(), format!("{mode:04o}")]);
        }
        table.fmt(f)
    }
}

fn kind(kind: FileType) -> &'static str {
    match kind {
        _ if kind.is_dir() => "folder",
        _ if kind.is_socket() => "socket",
        _ if kind.is_symlink() => "link",
        _ => "file",
    }
}
