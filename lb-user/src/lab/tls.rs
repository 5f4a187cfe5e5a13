use super::Error;
use rustls::client::Resumption;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use std::fmt;
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
        let made = rcgen::generate_simple_self_signed([address.to_string()]).map_err(refused)?;
        let certificate = made.cert.der();
        let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
        Ok(Self {
            server: Arc::new(server(certificate, key).map_err(refused)?),
            client: Arc::new(client(certificate).map_err(refused)?),
        })
    }
}

fn server(
    certificate: &CertificateDer<'static>,
    key: PrivatePkcs8KeyDer<'static>,
) -> Result<ServerConfig, rustls::Error> {
    ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key.into())
}

fn client(certificate: &CertificateDer<'static>) -> Result<ClientConfig, rustls::Error> {
    let mut trusted = RootCertStore::empty();
    trusted.add(certificate.clone())?;
    let mut config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(trusted)
        .with_no_client_auth();
    config.resumption = Resumption::disabled();
    Ok(config)
}

fn refused(error: impl fmt::Display) -> Error {
    Error::Tls(error.to_string())
}
