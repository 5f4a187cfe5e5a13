use anyhow::{Context, Result, ensure};
use lb_user::lab::Namespace;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, HandshakeKind, RootCertStore, StreamOwned, SupportedProtocolVersion};
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// A client that keeps the session of its last visit for the next one, wherever that goes: to it, all servers are one.
#[derive(Debug)]
pub struct TlsClient {
    namespace: Namespace,
    name: ServerName<'static>,
    config: Arc<ClientConfig>,
}

impl TlsClient {
    /// A client without sessions, in `namespace`. It speaks `version` only, and takes the certificates that those in the file `ca`
    /// vouch for, if they are for `name`.
    ///
    /// # Errors
    /// When there is no certificate in the file.
    pub fn new(
        namespace: Namespace,
        name: &str,
        ca: &Path,
        version: &'static SupportedProtocolVersion,
    ) -> Result<Self> {
        let mut trusted = RootCertStore::empty();
        trusted.add(CertificateDer::from_pem_file(ca)?)?;
        let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_protocol_versions(&[version])?
            .with_root_certificates(trusted)
            .with_no_client_auth();
        Ok(Self { namespace, name: ServerName::try_from(name.to_owned())?, config: Arc::new(config) })
    }

    /// Sends a request to `server`, and reads its answer and the tickets that come with it; returns how the session was made.
    ///
    /// # Errors
    /// When there is no answer, or not that all is well.
    pub fn visit(&self, server: SocketAddr) -> Result<HandshakeKind> {
        self.visit_over(self.namespace.run(|| TcpStream::connect_timeout(&server, PATIENCE))??)
    }

    /// The same over a connection that is there.
    ///
    /// # Errors
    /// When there is no answer, or not that all is well.
    pub fn visit_over(&self, socket: TcpStream) -> Result<HandshakeKind> {
        socket.set_read_timeout(Some(PATIENCE))?;
        // The request does not wait for the end of the handshake to be acknowledged.
        socket.set_nodelay(true)?;
        let mut stream = StreamOwned::new(ClientConnection::new(self.config.clone(), self.name.clone())?, socket);
        write!(stream, "GET / HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.name.to_str())?;
        let mut answer = Vec::new();
        match stream.read_to_end(&mut answer) {
            // Not every server says that it closes the connection.
            Err(error) if error.kind() != ErrorKind::UnexpectedEof => return Err(error.into()),
            _ => ensure!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer)),
        }
        stream.conn.handshake_kind().context("there was a handshake")
    }
}
