use super::Error;
use nix::sched::{CloneFlags, setns};
use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::{fmt, io, panic};

/// Where `ip netns` keeps the names of network namespaces.
const FOLDER: &str = "/run/netns";

/// A network namespace with a name: `ip netns exec NAME ...` runs a program in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Namespace {
    name: String,
}

impl Namespace {
    pub(super) fn named(name: String) -> Self {
        Self { name }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What tells it from others; `None` when it does not exist.
    pub(super) fn identity(&self) -> Option<Identity> {
        identity(self.path())
    }

    /// Runs `work` inside, and waits for it. A program that it starts stays inside.
    ///
    /// # Errors
    /// When the namespace cannot be entered; `work` is not done then.
    pub fn run<T: Send>(&self, work: impl FnOnce() -> T + Send) -> Result<T, Error> {
        let namespace = self.open()?;
        // A thread of its own, because entering a namespace is for good.
        let inside = || enter(&namespace).map(|()| work());
        let done = thread::scope(|scope| scope.spawn(inside).join());
        done.unwrap_or_else(|panicked| panic::resume_unwind(panicked)).map_err(|source| self.error(source))
    }

    fn open(&self) -> Result<File, Error> {
        File::open(self.path()).map_err(|source| self.error(source))
    }

    fn path(&self) -> PathBuf {
        PathBuf::from(FOLDER).join(&self.name)
    }

    fn error(&self, source: io::Error) -> Error {
        Error::Namespace { namespace: self.name.clone(), source }
    }
}

impl fmt::Display for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.name)
    }
}

/// All network namespaces that have a name. There are none when nobody ever made one.
pub(super) fn existing() -> Vec<Namespace> {
    let Ok(entries) = fs::read_dir(FOLDER) else { return Vec::new() };
    entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).map(Namespace::named).collect()
}

/// Device and inode of a namespace.
pub(super) type Identity = (u64, u64);

/// The namespace that the file at `path` stands for; `None` when there is no such file.
pub(super) fn identity(path: impl AsRef<Path>) -> Option<Identity> {
    let file = fs::metadata(path).ok()?;
    Some((file.dev(), file.ino()))
}

/// Moves the calling thread.
fn enter(namespace: &File) -> io::Result<()> {
    Ok(setns(namespace, CloneFlags::CLONE_NEWNET)?)
}
