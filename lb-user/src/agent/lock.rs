use super::Error;
use crate::bpf::Pins;
use std::fs::{self, File, TryLockError};
use std::os::unix::fs::MetadataExt;

/// Makes sure that nobody else writes to the maps, for as long as it lives.
pub(super) struct Lock {
    _folder: File,
}

impl Lock {
    /// Locks the folder of the pins, which is made if it is not there.
    pub(super) fn take(pins: &Pins) -> Result<Self, Error> {
        loop {
            pins.create()?;
            let path = pins.folder();
            let failed = |source| Error::Lock { path: path.to_owned(), source };
            let folder = File::open(path).map_err(failed)?;
            match folder.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Err(Error::AlreadyRunning { path: path.to_owned() }),
                Err(TryLockError::Error(source)) => return Err(failed(source)),
            }
            // Whoever held it before may have removed the folder, and another agent may have made it anew.
            let locked = folder.metadata().map_err(failed)?.ino();
            if fs::metadata(path).is_ok_and(|current| current.ino() == locked) {
                return Ok(Self { _folder: folder });
            }
        }
    }
}
