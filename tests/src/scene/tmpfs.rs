use super::outcome;
use anyhow::{Result, ensure};
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

/// A folder of memory, which is unmounted when it is dropped.
#[derive(Debug)]
pub struct Tmpfs {
    folder: TempDir,
}

impl Tmpfs {
    /// Mounts one with these options, as `size=1m`.
    ///
    /// # Errors
    /// When the kernel has no such file system, or does not know an option.
    pub fn mount(options: &str) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let options = format!("mode=0700,{options}");
        let outcome = outcome(Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(folder.path()))?;
        ensure!(outcome.code == Some(0), "mount: {outcome:?}");
        Ok(Self { folder })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        // Servers may still have their working folder or files there.
        let _ = outcome(Command::new("umount").arg("--lazy").arg(self.folder.path()));
    }
}
