use super::eventually;
use anyhow::{Context, Result};
use etcd_client::Client;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// An etcd of its own, at the loopback interface.
#[derive(Debug)]
pub struct Etcd {
    process: Child,
    url: String,
    folder: TempDir,
}

impl Etcd {
    /// Starts it, and waits until it answers.
    ///
    /// # Errors
    /// When it is not installed, or does not start.
    pub fn start() -> Result<Self> {
        Self::launch("http", &[])
    }

    /// The same, for those alone who show a certificate: `certificate`, its key beside it, is its own, `ca` has signed all.
    ///
    /// # Errors
    /// As [`Etcd::start`].
    pub fn start_with_tls(certificate: &Path, ca: &Path) -> Result<Self> {
        let key = certificate.with_extension("key");
        let files = [("--cert-file", certificate), ("--key-file", &key), ("--trusted-ca-file", ca)];
        let options: Vec<_> = files.iter().map(|(option, path)| format!("{option}={}", path.display())).collect();
        Self::launch("https", &[&options[..], &["--client-cert-auth".to_owned()]].concat())
    }

    fn launch(scheme: &'static str, options: &[String]) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let (client, peer) = (free_address()?, free_address()?);
        let (client_url, peer_url) = (format!("{scheme}://{client}"), format!("http://{peer}"));
        let process = Command::new("etcd")
            .arg("--data-dir")
            .arg(folder.path().join("data"))
            .args(["--listen-client-urls", &client_url, "--advertise-client-urls", &client_url])
            .args(["--listen-peer-urls", &peer_url, "--initial-advertise-peer-urls", &peer_url])
            .args(["--initial-cluster", &format!("default={peer_url}"), "--log-level", "error"])
            .args(options)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("etcd: `cargo xtask setup` installs it")?;
        let etcd = Self { process, url: client_url, folder };
        eventually("etcd answers", || Ok(TcpStream::connect(client).is_ok()))?;
        Ok(etcd)
    }

    /// Where agents reach it.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where it keeps what it is told.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a value past all agents.
    ///
    /// # Errors
    /// When it does not answer, as with the next ones.
    pub fn put(&self, key: &str, value: &str) -> Result<()> {
        self.ask(async |mut etcd| etcd.put(key, value, None).await.map(drop))
    }

    /// Deletes a value past all agents.
    ///
    /// # Errors
    /// As [`Etcd::put`].
    pub fn delete(&self, key: &str) -> Result<()> {
        self.ask(async |mut etcd| etcd.delete(key, None).await.map(drop))
    }

    /// The value of a key, if there is one.
    ///
    /// # Errors
    /// As [`Etcd::put`].
    pub fn get(&self, key: &str) -> Result<Option<String>> {
        let answer = self.ask(async |mut etcd| etcd.get(key, None).await)?;
        Ok(answer.kvs().first().map(|it| String::from_utf8_lossy(it.value()).into_owned()))
    }

    fn ask<T>(&self, question: impl AsyncFnOnce(Client) -> Result<T, etcd_client::Error>) -> Result<T> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(runtime.block_on(async { question(Client::connect([self.url()], None).await?).await })?)
    }

    /// It answers nobody, until [`Etcd::resume`].
    ///
    /// # Errors
    /// When it is gone.
    pub fn pause(&self) -> Result<()> {
        self.signal(Signal::SIGSTOP)
    }

    /// It goes on.
    ///
    /// # Errors
    /// When it is gone.
    pub fn resume(&self) -> Result<()> {
        self.signal(Signal::SIGCONT)
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        Ok(kill(Pid::from_raw(self.process.id().try_into()?), signal)?)
    }
}

impl Drop for Etcd {
    fn drop(&mut self) {
        // Nobody is left to tell if it is gone already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}
