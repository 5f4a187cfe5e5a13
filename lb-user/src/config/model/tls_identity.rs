use rustls::crypto::CryptoProvider;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{ClientCertVerifierBuilder, NoServerSessionStorage, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig};
use std::fmt::Display;
use std::sync::Arc;

/// What a server shows to clients, and what it asks of them: a certificate on both sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsIdentity {
    /// Its own certificate, and those between it and one that clients know.
    pub certificates: Vec<CertificateDer<'static>>,
    /// The key of the first of them.
    pub key: Arc<PrivateKeyDer<'static>>,
    /// Who signs the certificates of clients; nobody where those need none.
    pub client_ca: Vec<CertificateDer<'static>>,
}

impl TlsIdentity {
    /// The server's side of TLS 1.2 and 1.3: no client without a valid certificate, and none by way of an earlier session, whose
    /// certificate may have expired since.
    ///
    /// # Errors
    /// When the certificates are none, or the key is another certificate's.
    pub fn tls(&self) -> Result<ServerConfig, String> {
        self.asking(self.clients()?.build().map_err(of_clients)?)
    }

    /// The same, but clients may come without a certificate, and do where nobody is said to sign any.
    ///
    /// # Errors
    /// As [`TlsIdentity::tls`].
    pub fn tls_for_anybody(&self) -> Result<ServerConfig, String> {
        if self.client_ca.is_empty() {
            return self.asking(WebPkiClientVerifier::no_client_auth());
        }
        self.asking(self.clients()?.allow_unauthenticated().build().map_err(of_clients)?)
    }

    fn clients(&self) -> Result<ClientCertVerifierBuilder, String> {
        let mut trusted = RootCertStore::empty();
        for certificate in &self.client_ca {
            trusted.add(certificate.clone()).map_err(of_clients)?;
        }
        Ok(WebPkiClientVerifier::builder_with_provider(trusted.into(), default_provider().into()))
    }

    fn asking(&self, clients: Arc<dyn ClientCertVerifier>) -> Result<ServerConfig, String> {
        let provider: Arc<CryptoProvider> = default_provider().into();
        let of_key = |error| format!("certificate and key do not belong together: {error}");
        let mut tls = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_client_cert_verifier(clients)
            .with_single_cert(self.certificates.clone(), self.key.clone_key())
            .map_err(of_key)?;
        tls.session_storage = Arc::new(NoServerSessionStorage {});
        tls.send_tls13_tickets = 0;
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(tls)
    }
}

fn of_clients(error: impl Display) -> String {
    format!("client-ca: {error}")
}
