use super::process::Master;
use super::{Error, PAUSE, run};
use nix::sys::signal::Signal;
use std::path::PathBuf;
use tokio::time::sleep;

/// nginx. It reads the files when it is told to read its configuration again, and then has other workers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::tickets::node) struct Nginx {
    /// What says whether its configuration is right.
    pub(in crate::tickets::node) test: Vec<String>,
    /// Where it writes its number to.
    pub(in crate::tickets::node) pid_file: PathBuf,
}

impl Nginx {
    /// Waits until all new connections are for workers that have read the files.
    pub(super) async fn apply(&self) -> Result<(), Error> {
        run::<&str>(&self.test, &[]).await?;
        let master = Master::of("nginx", &self.pid_file, &[": master process"])?;
        let before = master.workers()?;
        master.signal(Signal::SIGHUP)?;
        loop {
            let mut now = master.workers()?;
            // Those that are to end take no connections, and are called otherwise.
            now.retain(|_, title| title.ends_with(": worker process"));
            if !now.is_empty() && now.keys().all(|pid| !before.contains_key(pid)) {
                return Ok(());
            }
            sleep(PAUSE).await;
        }
    }
}
