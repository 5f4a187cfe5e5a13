use anyhow::{Context, Result, ensure};
use lb_user::lab::Namespace;
use rustls::HandshakeKind;
use std::ffi::OsString;
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// A client with one ticket, which it uses until it gets another, as OpenSSL's do: `openssl s_client`. (rustls uses each ticket of TLS 1.3
/// once, and HAProxy sends no other with a session that it resumes.)
#[derive(Debug)]
pub struct OpensslClient {
    namespace: Namespace,
    name: String,
    ca: PathBuf,
    version: &'static str,
    session: TempDir,
}

impl OpensslClient {
    /// A client without a session, in `namespace`. It speaks `version` only (`-tls1_2`, `-tls1_3`), and takes the certificates that those
    /// in the file `ca` vouch for, if they are for `name`.
    ///
    /// # Errors
    /// When there is no room for its session.
    pub fn new(namespace: Namespace, name: &str, ca: &Path, version: &'static str) -> Result<Self> {
        let (name, ca, session) = (name.to_owned(), ca.to_owned(), tempfile::tempdir()?);
        Ok(Self { namespace, name, ca, version, session })
    }

    /// Sends a request to `server`, and reads its answer and the ticket that may come with it; returns how the session was made.
    ///
    /// # Errors
    /// When there is no answer, or not that all is well.
    pub fn visit(&self, server: SocketAddr) -> Result<HandshakeKind> {
        let session = self.session.path().join("session.pem");
        let mut command = Command::new("openssl");
        command.args(["s_client", self.version, "-ign_eof", "-verify_return_error", "-connect", &server.to_string()]);
        command.args(["-servername", &self.name, "-verify_hostname", &self.name, "-CAfile"]).arg(&self.ca);
        if session.exists() {
            command.arg("-sess_in").arg(&session);
        }
        command.args([OsString::from("-sess_out"), session.into_os_string()]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut client = self.namespace.run(|| command.spawn())?.context("openssl: `cargo xtask setup` installs it")?;
        let mut request = client.stdin.take().context("it is piped")?;
        write!(request, "GET / HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.name)?;
        drop(request);
        let output = client.wait_with_output()?;
        let said = String::from_utf8_lossy(&output.stdout);
        let about = || format!("{said}\n{}", String::from_utf8_lossy(&output.stderr));
        ensure!(said.contains("HTTP/1.1 200"), "no answer: {}", about());
        if said.lines().any(|line| line.starts_with("Reused, ")) {
            return Ok(HandshakeKind::Resumed);
        }
        ensure!(said.lines().any(|line| line.starts_with("New, ")), "neither new nor resumed: {}", about());
        Ok(HandshakeKind::Full)
    }
}
