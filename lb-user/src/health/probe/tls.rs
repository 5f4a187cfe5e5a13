use super::Error;
use crate::config::{Tls, Trust};
use crate::health::socket;
use crate::health::target::Target;
use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::ring::default_provider;
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Whether the target shakes hands, with a certificate as it should be.
pub(super) async fn probe(target: &Target, tls: &Tls) -> Result<(), Error> {
    connect(target, tls, &[]).await?;
    Ok(())
}

/// Connects to the target by TLS, to speak one of `protocols` (ALPN).
pub(super) async fn connect(target: &Target, tls: &Tls, protocols: &[&str]) -> Result<TlsStream<TcpStream>, Error> {
    let mut config = config(target, tls)?;
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
    // Without a name none is asked for: an address is not sent.
    let name = tls.name.clone().unwrap_or_else(|| ServerName::from(target.vip));
    let stream = socket::tcp(target.address, target.mark).await?;
    TlsConnector::from(Arc::new(config)).connect(name, stream).await.map_err(Error::Handshake)
}

/// A configuration that has no memory: each probe is a whole handshake.
fn config(target: &Target, tls: &Tls) -> Result<ClientConfig, Error> {
    let provider = Arc::new(default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions()?;
    let builder = if tls.trust == Trust::Anybody {
        builder.dangerous().with_custom_certificate_verifier(Arc::new(Anybody(provider)))
    } else {
        builder.with_root_certificates(Arc::clone(&target.authorities))
    };
    let mut config = builder.with_no_client_auth();
    config.resumption = Resumption::disabled();
    Ok(config)
}

/// Takes any certificate, for those who said `insecure = true`. Who shows it still has to have its key.
#[derive(Debug)]
pub(crate) struct Anybody(pub(crate) Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Probe;
    use crate::health::probe::testing::{INSECURE, Identity, nobody, saying, server, told, told_soon};
    use std::future;
    use std::net::SocketAddr;

    /// A server that shakes hands.
    async fn shaking_hands(identity: &Identity) -> SocketAddr {
        let acceptor = identity.acceptor(&[]);
        server(move |stream| {
            let acceptor = acceptor.clone();
            async move {
                let _stream = acceptor.accept(stream).await;
                future::pending::<()>().await;
            }
        })
        .await
    }

    #[tokio::test]
    async fn a_certificate_must_be_the_hosts_and_of_somebody_trusted() {
        let (identity, other) = (Identity::new(), Identity::new());
        let address = shaking_hands(&identity).await;
        assert_eq!(told(address, Probe::Tls(identity.trusted("www.example.com"))).await, "");

        let error = told(address, Probe::Tls(identity.trusted("www.example.net"))).await;
        assert!(
            error.starts_with("no TLS handshake: invalid peer certificate: certificate not valid for name"),
            "{error}"
        );
        let error = told(address, Probe::Tls(other.trusted("www.example.com"))).await;
        assert!(error.starts_with("no TLS handshake: invalid peer certificate"), "{error}");
        let system = Tls { trust: Trust::System, ..identity.trusted("www.example.com") };
        let error = told(address, Probe::Tls(system)).await;
        assert_eq!(error, "no TLS handshake: invalid peer certificate: UnknownIssuer");
    }

    #[tokio::test]
    async fn who_trusts_anybody_takes_any_certificate() {
        assert_eq!(told(shaking_hands(&Identity::new()).await, Probe::Tls(INSECURE)).await, "");
    }

    #[tokio::test]
    async fn who_does_not_shake_hands_is_not_healthy() {
        assert_eq!(told(nobody().await, Probe::Tls(INSECURE)).await, "connection refused");
        assert_eq!(told_soon(saying(&[]).await, Probe::Tls(INSECURE)).await, "no answer within 200ms");
        let error = told(saying(&["HTTP/1.1 400 Bad Request\r\n\r\n"]).await, Probe::Tls(INSECURE)).await;
        assert!(error.starts_with("no TLS handshake: received corrupt message"), "{error}");
        let error = told(server(|_| future::ready(())).await, Probe::Tls(INSECURE)).await;
        assert!(error.starts_with("no TLS handshake: ") || error == "connection reset", "{error}");
    }
}
