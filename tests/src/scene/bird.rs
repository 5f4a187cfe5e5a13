use anyhow::{Context, Result, ensure};
use lb_user::lab::Namespace;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A running BIRD, the routing daemon. Dropping it kills it.
#[derive(Debug)]
pub struct Bird {
    process: Child,
    socket: PathBuf,
}

impl Bird {
    /// Starts one in `namespace`, whose files are in `folder` and are called `name`.
    ///
    /// # Errors
    /// When it is not installed, or ends at once.
    pub fn start(namespace: &Namespace, folder: &Path, name: &str, configuration: &str) -> Result<Self> {
        let [file, socket, log] = ["conf", "ctl", "log"].map(|ending| folder.join(format!("{name}.{ending}")));
        fs::write(&file, configuration)?;
        let mut command = Command::new("bird");
        command.arg("-f").arg("-c").arg(&file).arg("-s").arg(&socket).stdin(Stdio::null()).stderr(File::create(&log)?);
        let process =
            namespace.run(|| command.spawn())?.context("cannot start bird: `cargo xtask setup` installs it")?;
        let mut bird = Self { process, socket };
        super::eventually("BIRD listens", || {
            ensure!(bird.process.try_wait()?.is_none(), "BIRD has ended: {}", fs::read_to_string(&log)?);
            Ok(bird.socket.exists())
        })?;
        Ok(bird)
    }

    /// Its control socket.
    pub fn socket(&self) -> &Path {
        &self.socket
    }
}

impl Drop for Bird {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_file(&self.socket);
    }
}
