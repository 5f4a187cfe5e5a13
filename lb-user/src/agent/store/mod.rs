//! What outlives the agent besides links and maps: overrides, and the configurations of before.
//!
//! ```text
//! STATE-FOLDER/overrides.json
//!              generations/NUMBER.toml
//! ```

mod generations;
mod write;

pub(super) use generations::Generations;
pub(crate) use write::replace;

use super::Error;
use super::overrides::Overrides;
use std::fs::{self, DirBuilder, File, TryLockError};
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// The folder, in the hands of one agent.
pub(super) struct Store {
    folder: PathBuf,
    pub(super) generations: Generations,
    _lock: File,
}

impl Store {
    /// Opens the folder, which is made if it is not there.
    pub(super) fn open(folder: &Path) -> Result<Self, Error> {
        let failed = |source| Error::State { path: folder.to_owned(), source };
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
        let lock = File::open(folder).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(Error::StateTaken { path: folder.to_owned() }),
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        let generations = Generations::open(folder.join("generations"))?;
        Ok(Self { folder: folder.to_owned(), generations, _lock: lock })
    }

    /// The overrides that were kept, if there are any.
    pub(super) fn overrides(&self) -> Result<Overrides, Error> {
        let path = self.overrides_path();
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Overrides::default()),
            Err(source) => return Err(Error::State { path, source }),
        };
        serde_json::from_slice(&text).map_err(|error| Error::Overrides { path, reason: error.to_string() })
    }

    /// Keeps the overrides.
    pub(super) fn keep_overrides(&self, overrides: &Overrides) -> Result<(), Error> {
        let path = self.overrides_path();
        let failed = |source| Error::State { path: path.clone(), source };
        let text = serde_json::to_vec_pretty(overrides).map_err(|error| failed(error.into()))?;
        replace(&path, &text).map_err(failed)
    }

    fn overrides_path(&self) -> PathBuf {
        self.folder.join("overrides.json")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::tempdir;

    #[test]
    fn overrides_are_kept_and_damaged_ones_are_refused() {
        let folder = tempdir().expect("a folder");
        let store = Store::open(folder.path()).expect("a store");
        assert_eq!(store.overrides().expect("none"), Overrides::default());
        let text = r#"[{"service":"web","backend":"a","drained":true}]"#;
        let overrides: Overrides = serde_json::from_str(text).expect("overrides");
        store.keep_overrides(&overrides).expect("room");
        assert_eq!(store.overrides().expect("those"), overrides);
        fs::write(folder.path().join("overrides.json"), "[{").expect("a file");
        let refused = store.overrides().expect_err("a refusal").to_string();
        assert!(refused.contains("overrides.json") && refused.contains("move the file away"), "{refused}");
    }

    #[test]
    fn a_folder_has_one_agent() {
        let folder = tempdir().expect("a folder");
        let store = Store::open(folder.path()).expect("a store");
        assert!(matches!(Store::open(folder.path()), Err(Error::StateTaken { .. })));
        drop(store);
        assert!(Store::open(folder.path()).is_ok());
    }
}
