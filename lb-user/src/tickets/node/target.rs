//! Who gets the keys on this back-end.

use super::driver::{Driver, Error as DriverError};
use crate::tickets::stored::Kept;
use crate::tickets::{BootTime, Folder, FolderError, Ring, RingName, Ticketer};
use std::sync::Arc;
use tracing::warn;

/// The file that the client itself goes on with after a restart.
const OWN_FILE: &str = "ring.json";

/// Who gets the keys.
pub enum Target {
    /// A web server, by files that it reads.
    Server {
        /// How it is told.
        driver: Driver,
        /// Where the files are.
        folder: Folder,
    },
    /// A rustls server in this process.
    Process(Arc<Ticketer>),
}

/// Why the target does not have a ring.
#[derive(Debug, thiserror::Error)]
pub enum NotGiven {
    /// The files cannot be written.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The server does not take them.
    #[error(transparent)]
    Driver(#[from] DriverError),
}

impl Target {
    /// What gives the keys, as it is shown.
    pub fn driver(&self) -> &'static str {
        match self {
            Self::Server { driver, .. } => driver.name(),
            Self::Process(_) => "rustls",
        }
    }

    /// Gives it a ring. If that fails, it has the one of `before` again, as far as files go.
    ///
    /// # Errors
    /// When the files cannot be written, or the server does not take them.
    pub async fn give(&self, ring: &Ring, before: Option<&Ring>) -> Result<(), NotGiven> {
        let given = self.try_to_give(ring).await;
        if let (Err(_), Some(before), Self::Server { driver, folder }) = (&given, before, self)
            && let Err(error) = driver.write(folder, before)
        {
            warn!(%error, "the keys of before cannot be put back: the next attempt writes other ones");
        }
        given
    }

    /// Gives it a ring without those keys of the one before that had to be destroyed: whatever happens, no file has them afterwards.
    ///
    /// # Errors
    /// When the files cannot be written, or the server does not take them.
    pub async fn give_in_any_case(&self, ring: &Ring) -> Result<(), NotGiven> {
        if let Self::Server { driver, folder } = self
            && driver.write(folder, ring).is_err()
        {
            // Perhaps there is no room for another file beside one that is there.
            for file in driver.files(ring) {
                folder.wipe(file.name)?;
            }
        }
        self.try_to_give(ring).await
    }

    /// What was kept before a restart.
    pub fn kept(&self, name: &RingName, now: BootTime) -> Option<Kept> {
        let Self::Server { folder, .. } = self else { return None };
        let text = folder.read(OWN_FILE).ok()??;
        Kept::from_text(name, &text, now)
            .inspect_err(|reason| warn!(ring = %name, %reason, "what was kept of the ring cannot be used"))
            .ok()
    }

    /// Keeps a ring for the time after a restart. Without it, sessions are resumed a little later then.
    pub fn keep(&self, name: &RingName, kept: &Kept, now: BootTime) {
        let Self::Server { folder, .. } = self else { return };
        let Ok(text) = kept.to_text(name, now) else { return };
        if folder.write(OWN_FILE, &text).is_err() {
            // What cannot be replaced must not stay: it has keys that are to be destroyed.
            let wiped = folder.wipe(OWN_FILE);
            warn!(ring = %name, ?wiped, "the ring cannot be kept for a restart");
        }
    }

    async fn try_to_give(&self, ring: &Ring) -> Result<(), NotGiven> {
        match self {
            Self::Server { driver, folder } => {
                driver.write(folder, ring)?;
                Ok(driver.apply(folder, ring).await?)
            }
            Self::Process(ticketer) => {
                ticketer.install(ring);
                Ok(())
            }
        }
    }
}
