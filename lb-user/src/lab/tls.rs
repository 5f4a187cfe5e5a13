use super::Error;
use super::certificate::{Certificate, KeyKind};
use rustls::client::Resumption;
use rustls::crypto::ring::default_provider;
use rustls::{ClientConfig, DEFAULT_VERSIONS, RootCertStore, ServerConfig, SupportedProtocolVersion};
use std::net::IpAddr;
use std::sync::Arc;

/// Both ends of TLS. All servers have the same certificate: to the client they are one.
#[derive(Clone, Debug)]
pub struct Tls {
    /// For the servers.
    pub server: Arc<ServerConfig>,
    /// For the client: it trusts this certificate alone, and begins every session anew.
    pub client: Arc<ClientConfig>,
}

impl Tls {
    /// Makes a key (ECDSA, P-256) and a certificate for `address`.
    ///
    /// # Errors
    /// When the cryptography library refuses.
    pub fn new(address: IpAddr) -> Result<Self, Error> {
        Self::with(&Certificate::new(address, KeyKind::P256)?, DEFAULT_VERSIONS)
    }

    /// TLS of these versions, with this certificate.
    ///
    /// # Errors
    /// When the cryptography library refuses.
    pub(super) fn with(
        certificate: &Certificate,
        versions: &[&'static SupportedProtocolVersion],
    ) -> Result<Self, Error> {
        Ok(Self {
            server: Arc::new(server(certificate, versions).map_err(Error::tls)?),
            client: Arc::new(client(certificate, versions).map_err(Error::tls)?),
        })
    }
}

fn server(
    Certificate { certificate, key }: &Certificate,
    versions: &[&'static SupportedProtocolVersion],
) -> Result<ServerConfig, rustls::Error> {
    ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(versions)?
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key.clone_key().into())
}

fn client(
    certificate: &Certificate,
    versions: &[&'static SupportedProtocolVersion],
) -> Result<ClientConfig, rustls::Error> {
    let mut trusted = RootCertStore::empty();
    trusted.add(certificate.certificate.clone())?;
    let mut config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(versions)?
        .with_root_certificates(trusted)
        .with_no_client_auth();
    config.resumption = Resumption::disabled();
    Ok(config)
}
