use super::Error;
use std::fs::{self, File, TryLockError};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process;

/// Makes sure that nobody else changes the host this way, for as long as it lives. One for all interfaces: the settings of `all` and the
/// loopback interface are shared by them.
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Locks `folder`, which is made if it is not there.
    pub(super) fn take(folder: &Path) -> Result<Self, Error> {
        fs::create_dir_all(folder).map_err(Error::file(folder))?;
        let path = folder.join("decap.lock");
        // Not truncated: until the lock is ours, the content is another's. And never removed: who opened it before could not be told.
        let options = File::options().read(true).write(true).create(true).truncate(false).mode(0o600).open(&path);
        let mut file = options.map_err(Error::file(&path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let pid = fs::read_to_string(&path).unwrap_or_default();
                return Err(Error::Running { path, pid });
            }
            Err(TryLockError::Error(source)) => return Err(Error::File { path, source }),
        }
        file.set_len(0).and_then(|()| write!(file, "{}", process::id())).map_err(Error::file(&path))?;
        Ok(Self { _file: file })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::env;

    #[test]
    fn the_second_one_learns_who_is_first() {
        let folder = env::temp_dir().join(format!("handoff-decap-lock-{}", process::id()));
        let first = Lock::take(&folder).unwrap();
        let error = Lock::take(&folder).err().map(|error| error.to_string());
        let expected = format!(
            "{}: another handoff decap is running on this host (process {}); end it with SIGTERM, or give it all interfaces and VIPs",
            folder.join("decap.lock").display(),
            process::id()
        );
        assert_eq!(error, Some(expected));
        drop(first);
        assert!(Lock::take(&folder).is_ok());
        fs::remove_dir_all(folder).unwrap();
    }
}
