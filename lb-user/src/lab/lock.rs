use super::{Error, Site};
use std::fs::{self, File, TryLockError};
use std::io::{self, Seek, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{self, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// How long the janitor of a lab that was killed may still be at work.
const PATIENCE: Duration = Duration::from_secs(30);

/// The right to be the lab of this name. Every process that has the file open keeps it locked: the lab, and its janitor until
/// everything is down.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
    path: PathBuf,
}

impl Lock {
    /// Takes the lock of the lab at `site`, and writes this process's id into its file.
    ///
    /// # Errors
    /// When a living lab has it, or the file cannot be made.
    pub(super) fn take(site: &Site) -> Result<Self, Error> {
        Self::take_at(site.lock_file(), site.name())
    }

    /// The lock as a standard stream of a child process, which then has it too.
    pub(super) fn share(&self) -> Result<Stdio, Error> {
        self.file.try_clone().map(Stdio::from).map_err(Error::file(&self.path))
    }

    fn take_at(path: PathBuf, name: &str) -> Result<Self, Error> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let mut file = open(&path).map_err(Error::file(&path))?;
            match file.try_lock() {
                Ok(()) if is_still_at(&file, &path) => {
                    write_pid(&mut file).map_err(Error::file(&path))?;
                    return Ok(Self { file, path });
                }
                // Its last owner removed the file after we opened it: it locks nobody out.
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    let pid = fs::read_to_string(&path).unwrap_or_default();
                    if is_alive(&pid) || Instant::now() > deadline {
                        return Err(Error::Running { name: name.to_owned(), pid });
                    }
                    thread::sleep(Duration::from_millis(50));
                }
                Err(TryLockError::Error(source)) => return Err(Error::File { path, source }),
            }
        }
    }
}

fn open(path: &Path) -> io::Result<File> {
    // Not truncated: until the lock is ours, the content is another lab's.
    File::options().read(true).write(true).create(true).truncate(false).open(path)
}

fn is_still_at(file: &File, path: &Path) -> bool {
    let identity = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
    match (file.metadata(), fs::metadata(path)) {
        (Ok(opened), Ok(named)) => identity(opened) == identity(named),
        _ => false,
    }
}

fn write_pid(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    write!(file, "{}", process::id())
}

/// Whether `pid` is the id of a process.
fn is_alive(pid: &str) -> bool {
    !pid.is_empty() && Path::new("/proc").join(pid).exists()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::env;

    fn file(name: &str) -> PathBuf {
        env::temp_dir().join(format!("handoff-lock-{name}-{}", process::id()))
    }

    #[test]
    fn the_second_one_learns_who_is_first() {
        let path = file("second");
        let first = Lock::take_at(path.clone(), "lab").unwrap();
        let error = Lock::take_at(path.clone(), "lab").unwrap_err();
        let pid = process::id();
        assert_eq!(
            error.to_string(),
            format!("a lab named lab is running (process {pid}): stop it, or give this one another name with --name")
        );
        drop(first);
        assert!(Lock::take_at(path.clone(), "lab").is_ok());
        fs::remove_file(path).unwrap();
    }

    #[test]
    fn a_file_that_was_removed_is_not_the_lock() {
        let path = file("removed");
        let opened = open(&path).unwrap();
        assert!(is_still_at(&opened, &path));
        fs::remove_file(&path).unwrap();
        assert!(!is_still_at(&opened, &path));
        let _another = open(&path).unwrap();
        assert!(!is_still_at(&opened, &path));
        fs::remove_file(path).unwrap();
    }
}
