//! The client's side of the API over TCP.

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
        let unusable = |reason: &str| Error::Remote { url: self.to_string(), reason: reason.to_owned() };
        let (Some("https"), Some(host), Some(port)) = (self.url.scheme_str(), self.url.host(), self.url.port_u16())
        else {
            return Err(unusable("it is not of the form https://HOST:PORT"));
        };
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let name = ServerName::try_from(host.clone()).map_err(|_| unusable("no certificate could name this host"))?;
        let tls = self.tls()?;
        let failed = |error: std::io::Error| unusable(&error.to_string());
        let stream = TcpStream::connect((host, port)).await.map_err(failed)?;
        stream.set_nodelay(true).map_err(failed)?;
        TlsConnector::from(Arc::new(tls)).connect(name, stream).await.map_err(failed)
    }

    fn tls(&self) -> Result<ClientConfig, Error> {
        let refused = |error: rustls::Error| Error::Remote { url: self.to_string(), reason: error.to_string() };
        let mut trusted = RootCertStore::empty();
        for certificate in certificates(&self.ca)? {
            trusted.add(certificate).map_err(refused)?;
        }
        let key = PrivateKeyDer::from_pem_file(&self.key).map_err(unreadable(&self.key))?;
        ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(refused)?
            .with_root_certificates(trusted)
            .with_client_auth_cert(certificates(&self.certificate)?, key)
            .map_err(refused)
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let found = CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
    found.map_err(unreadable(path))
}

fn unreadable(path: &Path) -> impl Fn(rustls::pki_types::pem::Error) -> Error {
    move |error| Error::Pem { path: path.to_owned(), reason: error.to_string() }
}
