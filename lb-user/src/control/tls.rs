//! The client's side of TLS, for the API over TCP and whoever else asks an agent.

use super::Error;
use hyper::Uri;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// An agent that listens on TCP, and how to show it who asks.
#[derive(Clone, Debug)]
pub struct Remote {
    /// `https://HOST:PORT`.
    pub url: Uri,
    /// Certificate of the client, in PEM.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
    /// Who signs the certificate of the agent.
    pub ca: PathBuf,
}

impl fmt::Display for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.url)
    }
}

impl Remote {
    /// Connects, and checks that it is the agent of this name.
    pub(super) async fn connect(&self) -> Result<TlsStream<TcpStream>, Error> {
        let failed = |reason: String| Error::Remote { url: self.to_string(), reason };
        let key = PrivateKeyDer::from_pem_file(&self.key).map_err(unreadable(&self.key))?;
        let tls = client_tls(certificates(&self.ca)?, certificates(&self.certificate)?, key);
        let tls = tls.map_err(|error| failed(error.to_string()))?;
        connect(&self.url, Arc::new(tls)).await.map_err(failed)
    }
}

/// The client's side of TLS, with certificates on both sides.
pub(crate) fn client_tls(
    ca: Vec<CertificateDer<'static>>,
    certificates: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<ClientConfig, rustls::Error> {
    let mut trusted = RootCertStore::empty();
    for certificate in ca {
        trusted.add(certificate)?;
    }
    ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(trusted)
        .with_client_auth_cert(certificates, key)
}

/// Connects to `https://HOST:PORT`, and checks that it is the host of this name.
pub(crate) async fn connect(url: &Uri, tls: Arc<ClientConfig>) -> Result<TlsStream<TcpStream>, String> {
    let (Some("https"), Some(host), Some(port)) = (url.scheme_str(), url.host(), url.port_u16()) else {
        return Err("it is not of the form https://HOST:PORT".to_owned());
    };
    let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    let name = ServerName::try_from(host.clone()).map_err(|_| "no certificate could name this host".to_owned())?;
    let failed = |error: std::io::Error| error.to_string();
    let stream = TcpStream::connect((host, port)).await.map_err(failed)?;
    stream.set_nodelay(true).map_err(failed)?;
    TlsConnector::from(tls).connect(name, stream).await.map_err(failed)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let found = CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
    found.map_err(unreadable(path))
}

fn unreadable(path: &Path) -> impl Fn(rustls::pki_types::pem::Error) -> Error {
    move |error| Error::Pem { path: path.to_owned(), reason: error.to_string() }
}
