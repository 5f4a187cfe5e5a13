//! Folders of keys: files that are in memory and never on a disk.

mod swap;

use nix::sys::statfs::{FsType, TMPFS_MAGIC, statfs};
use nix::unistd::geteuid;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// `RAMFS_MAGIC` of linux/magic.h.
const RAMFS_MAGIC: FsType = FsType(0x8584_58f6);
/// What the name of a file ends with that is not complete.
const INCOMPLETE: &str = ".incomplete";

/// A folder of keys. It is in memory, and belongs to nobody but root and us.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    warning: Option<String>,
}

/// Why keys cannot be in a folder.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// Keys would get onto a disk.
    #[error(
        "{path}: it is not in memory, and keys must not get onto a disk: `mkdir -p {path}; mount -t tmpfs -o \
         size=1m,mode=0700,noswap tmpfs {path}`, at each start of the system by a mount unit of systemd",
        path = .0.display()
    )]
    Disk(PathBuf),
    /// Others could change what is in it.
    #[error(
        "{path}: it belongs to user {user} and has mode {mode:04o}, so that others may write to it: `chown root {path}; chmod 0700 {path}`",
        path = .path.display()
    )]
    Others {
        /// The folder.
        path: PathBuf,
        /// Its owner.
        user: u32,
        /// Who may do what in it, as `chmod` takes it.
        mode: u32,
    },
    /// There is no room for the keys. What was there is as it was.
    #[error("{path}: the file system is full: make it larger (`mount -o remount,size=1m ...`), or remove what is not keys", path = .0.display())]
    Full(PathBuf),
    /// The system refuses.
    #[error("{path}: {source}; is it a folder, and may this user write to it?", path = .path.display())]
    System {
        /// The folder or file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl Folder {
    /// Makes sure that the folder at `path` may hold keys. It is made if it is missing and would be in memory, and what an earlier run has
    /// left unfinished in it is wiped.
    ///
    /// # Errors
    /// When it is on a disk, when others than root and we may write to it, or the system refuses.
    pub fn open(path: &Path) -> Result<Self, FolderError> {
        let error = |source| FolderError::System { path: path.to_owned(), source };
        // A folder that must not be used is not even made.
        let existing = if path.exists() { path } else { path.parent().unwrap_or(path) };
        let kind = statfs(existing).map_err(|errno| error(errno.into()))?.filesystem_type();
        if kind != TMPFS_MAGIC && kind != RAMFS_MAGIC {
            return Err(FolderError::Disk(path.to_owned()));
        }
        match DirBuilder::new().mode(0o700).create(path) {
            Err(source) if source.kind() != ErrorKind::AlreadyExists => return Err(error(source)),
            _ => {}
        }
        let metadata = fs::metadata(path).map_err(error)?;
        let (user, mode) = (metadata.uid(), metadata.permissions().mode() & 0o7777);
        if ![0, geteuid().as_raw()].contains(&user) || mode & 0o022 != 0 {
            return Err(FolderError::Others { path: path.to_owned(), user, mode });
        }
        let folder = Self { path: path.to_owned(), warning: warning(path, metadata.dev()) };
        folder.wipe_incomplete().map_err(error)?;
        Ok(folder)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What an operator should know of it.
    pub fn warning(&self) -> Option<&str> {
        self.warning.as_deref()
    }

    /// Puts a file with this content into the place of `name`, in one step, and overwrites what was there before. Only the owner may read
    /// it.
    ///
    /// # Errors
    /// When the file system is full, or the system refuses; the file is as it was.
    pub fn write(&self, name: &str, content: &[u8]) -> Result<(), FolderError> {
        let (path, new) = (self.path.join(name), self.path.join(format!(".{name}{INCOMPLETE}")));
        let error = |source: io::Error| match source.kind() {
            ErrorKind::StorageFull => FolderError::Full(path.clone()),
            _ => FolderError::System { path: path.clone(), source },
        };
        // Opened now: once the new file is in its place, there is no other way to the old one.
        let replaced = unless_missing(OpenOptions::new().write(true).open(&path)).map_err(error)?;
        let written = write_new(&new, content).and_then(|()| fs::rename(&new, &path));
        if let Err(source) = written {
            unless_missing(wipe(&new)).map_err(error)?;
            return Err(error(source));
        }
        replaced.map_or(Ok(()), |file| overwrite(&file)).map_err(error)
    }

    /// The names of the files in it.
    pub fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.path).into_iter().flatten().flatten();
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
    }

    /// What the file `name` says, if there is one.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn read(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, FolderError> {
        let path = self.path.join(name);
        // The size of the file is known, so this takes room for all of it at once and leaves no copies behind.
        let found = unless_missing(fs::read(&path)).map_err(|source| FolderError::System { path, source })?;
        Ok(found.map(Zeroizing::new))
    }

    /// Overwrites and removes the file `name`, if there is one.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn wipe(&self, name: &str) -> Result<(), FolderError> {
        let path = self.path.join(name);
        unless_missing(wipe(&path)).map_err(|source| FolderError::System { path, source })?;
        Ok(())
    }

    fn wipe_incomplete(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().ends_with(INCOMPLETE) {
                wipe(&entry.path())?;
            }
        }
        Ok(())
    }
}

/// What is to be said when the kernel may swap what is in the folder.
fn warning(path: &Path, device: u64) -> Option<String> {
    swap::is_possible(device).then(|| {
        format!(
            "{path}: the kernel may swap keys to a disk: mount the file system with the option noswap (since Linux 6.4), or turn swap off",
            path = path.display()
        )
    })
}

fn write_new(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    // The mode that it was made with is subject to the umask.
    file.set_permissions(Permissions::from_mode(0o600))?;
    file.write_all(content)
}

fn wipe(path: &Path) -> io::Result<()> {
    overwrite(&OpenOptions::new().write(true).open(path)?)?;
    fs::remove_file(path)
}

/// Fills a file with noise: in memory, it takes the place of what was there. A server that has just opened the file must not find a key
/// that others can guess, which zeros would be.
fn overwrite(mut file: &File) -> io::Result<()> {
    let mut noise = [0; 1024];
    rand::fill(&mut noise);
    let mut left = file.metadata()?.len() as usize;
    while left > 0 {
        let len = left.min(noise.len());
        file.write_all(&noise[..len])?;
        left -= len;
    }
    Ok(())
}

fn unless_missing<T>(done: io::Result<T>) -> io::Result<Option<T>> {
    match done {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        done => done.map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::os::unix::fs::symlink;
    use tempfile::TempDir;

    /// A folder of memory: systemd and containers have one here.
    fn memory() -> TempDir {
        tempfile::tempdir_in("/dev/shm").expect("/dev/shm is a tmpfs")
    }

    /// Whether a file has as many bytes as `content`, but others.
    fn is_noise(file: &mut File, content: &[u8]) -> bool {
        let mut left = Vec::new();
        file.read_to_end(&mut left).expect("it is open");
        left.len() == content.len() && left != content && left.iter().any(|&byte| byte != 0)
    }

    #[test]
    fn what_was_there_is_overwritten_and_the_file_is_never_empty() {
        let place = memory();
        let folder = Folder::open(&place.path().join("shop")).expect("a folder");
        let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o7777;
        assert_eq!(mode(folder.path()), 0o700);
        folder.write("active.key", b"the first secret").expect("room");
        let path = folder.path().join("active.key");
        let mut first = File::open(&path).expect("a file");
        assert_eq!(mode(&path), 0o600);
        folder.write("active.key", b"the second").expect("room");
        assert_eq!(fs::read(&path).expect("a file"), b"the second");
        assert!(is_noise(&mut first, b"the first secret"));

        let mut second = File::open(&path).expect("a file");
        folder.wipe("active.key").expect("it is there");
        folder.wipe("active.key").expect("it need not be there");
        assert!(is_noise(&mut second, b"the second"));
        assert_eq!(folder.names(), [""; 0]);
    }

    #[test]
    fn what_a_killed_run_has_left_is_wiped() {
        let place = memory();
        let left = place.path().join(".active.key.incomplete");
        fs::write(&left, b"secret").expect("room");
        fs::write(place.path().join("active.key"), b"key").expect("room");
        let mut file = File::open(&left).expect("a file");
        let folder = Folder::open(place.path()).expect("a folder");
        assert_eq!(folder.names(), ["active.key"]);
        assert!(is_noise(&mut file, b"secret"));
    }

    #[test]
    fn folders_that_others_may_write_to_are_refused() {
        let place = memory();
        fs::set_permissions(place.path(), Permissions::from_mode(0o770)).expect("it is ours");
        let error = Folder::open(place.path()).expect_err("the group may write").to_string();
        assert!(error.contains("has mode 0770") && error.contains("chmod 0700"), "{error}");
    }

    #[test]
    fn keys_do_not_get_onto_disks() {
        // Everywhere but in memory there are no key files.
        let error = Folder::open(Path::new("/proc/handoff")).expect_err("it is no memory");
        assert!(matches!(error, FolderError::Disk(_)), "{error}");
        let place = memory();
        symlink("/proc", place.path().join("keys")).expect("room");
        let error = Folder::open(&place.path().join("keys")).expect_err("it is no memory").to_string();
        assert!(error.contains("mount -t tmpfs -o size=1m,mode=0700,noswap tmpfs /dev/shm"), "{error}");
    }

    #[test]
    fn a_missing_parent_is_named() {
        let place = memory();
        let error = Folder::open(&place.path().join("a/b")).expect_err("there is no a").to_string();
        assert!(error.contains("No such file or directory"), "{error}");
    }
}
