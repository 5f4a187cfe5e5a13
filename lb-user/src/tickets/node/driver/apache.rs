use super::process::Master;
use super::{Error, KeyFile, PAUSE, run};
use crate::tickets::Ring;
use std::path::PathBuf;
use tokio::time::sleep;
use zeroize::Zeroizing;

/// Half of a key: AES-128 and its authentication key are all that Apache knows.
const HALF: usize = 16;

/// Apache httpd. It has a single key, so that no ticket outlives a rotation, and says nothing of the key that it uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::tickets::node) struct Apache {
    /// What makes it read its configuration again, and the key with it.
    pub(in crate::tickets::node) command: Vec<String>,
    /// Where it writes its number to.
    pub(in crate::tickets::node) pid_file: PathBuf,
}

impl Apache {
    /// Waits until there are workers that have read the file. The others were told to end before that.
    pub(super) async fn apply(&self) -> Result<(), Error> {
        let master = Master::of("Apache", &self.pid_file, &["apache2", "httpd"])?;
        let before = master.workers()?;
        run::<&str>(&self.command, &[]).await?;
        while master.workers()?.keys().all(|pid| before.contains_key(pid)) {
            sleep(PAUSE).await;
        }
        Ok(())
    }
}

/// The active key: 48 bytes.
pub(super) fn file(ring: &Ring) -> KeyFile {
    let key = &ring.active.key;
    let mut content = Zeroizing::new(Vec::with_capacity(48));
    content.extend_from_slice(key.name());
    content.extend_from_slice(&key.mac_key()[..HALF]);
    content.extend_from_slice(&key.cipher_key()[..HALF]);
    KeyFile { name: "apache.key", content }
}
