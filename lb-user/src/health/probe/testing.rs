//! Servers on this machine, and targets that they are.

use super::probe;
use crate::config::{Health, Probe, Tls, Trust, Via};
use crate::health::target::{Target, TargetName, authorities};
use rcgen::CertifiedKey;
use rustls::ServerConfig;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use std::future;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio_rustls::TlsAcceptor;

/// A port of this machine that the system chooses.
const ANY: (Ipv4Addr, u16) = (Ipv4Addr::LOCALHOST, 0);

/// A target at `address`, which is its VIP as well, with much patience.
pub(super) fn target(address: SocketAddr, probe: Probe) -> Target {
    let health = Health {
        probe,
        via: Via::Address,
        port: address.port(),
        interval: Health::DEFAULT_INTERVAL,
        timeout: Duration::from_secs(20),
        jitter: 0.0,
        rise: 1,
        fall: 1,
    };
    let name = TargetName { service: "web".to_owned(), backend: "web-1".to_owned() };
    Target { name, vip: address.ip(), address, mark: None, authorities: authorities(&health), health }
}

/// What an operator is told of a probe of a target at `address`; nothing when it is healthy.
pub(super) async fn told(address: SocketAddr, asked: Probe) -> String {
    told_of(&target(address, asked)).await
}

/// The same after 200 ms, of a target that keeps somebody waiting.
pub(super) async fn told_soon(address: SocketAddr, asked: Probe) -> String {
    let mut target = target(address, asked);
    target.health.timeout = Duration::from_millis(200);
    told_of(&target).await
}

pub(super) async fn told_of(target: &Target) -> String {
    probe(target).await.err().map_or_else(String::new, |error| error.to_string())
}

/// Where nobody listens.
pub(super) async fn nobody() -> SocketAddr {
    // Of either protocol: the kernel gives other ports to those who come next.
    TcpListener::bind(ANY).await.expect("a port").local_addr().expect("an address")
}

/// A server that does `serve` with each connection.
pub(super) async fn server<S, F>(serve: S) -> SocketAddr
where
    S: Fn(TcpStream) -> F + Send + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind(ANY).await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream));
        }
    });
    address
}

/// A server that says `words` as soon as somebody says something, with a pause between two of them, and then keeps silent.
pub(super) async fn saying(words: &'static [&'static str]) -> SocketAddr {
    server(move |mut stream: TcpStream| async move {
        let _ = stream.read(&mut [0; 1_024]).await;
        for word in words {
            // The other end may have heard enough.
            let _ = stream.write_all(word.as_bytes()).await;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        future::pending::<()>().await;
    })
    .await
}

/// A server that answers datagrams with what `answer` makes of them; with nothing, if that is empty.
pub(super) async fn answering(answer: impl Fn(&[u8]) -> Vec<u8> + Send + 'static) -> SocketAddr {
    let socket = UdpSocket::bind(ANY).await.expect("a port");
    let address = socket.local_addr().expect("an address");
    tokio::spawn(async move {
        let mut datagram = [0; 2_048];
        while let Ok((len, peer)) = socket.recv_from(&mut datagram).await {
            let answer = answer(&datagram[..len]);
            if !answer.is_empty() {
                let _ = socket.send_to(&answer, peer).await;
            }
        }
    });
    address
}

/// Who shows a certificate for `www.example.com`, and who trusts it.
pub(super) struct Identity {
    certificate: CertificateDer<'static>,
    key: PrivatePkcs8KeyDer<'static>,
}

impl Identity {
    pub(super) fn new() -> Self {
        let CertifiedKey { cert, signing_key } =
            rcgen::generate_simple_self_signed(["www.example.com".to_owned()]).expect("a certificate");
        Self { certificate: cert.der().clone(), key: signing_key.serialize_der().into() }
    }

    /// A server's end of TLS that speaks one of `protocols`.
    pub(super) fn acceptor(&self, protocols: &[&str]) -> TlsAcceptor {
        let builder = ServerConfig::builder_with_provider(Arc::new(default_provider()));
        let builder = builder.with_safe_default_protocol_versions().expect("versions").with_no_client_auth();
        let mut config = builder
            .with_single_cert(vec![self.certificate.clone()], self.key.clone_key().into())
            .expect("a key of the certificate");
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
        TlsAcceptor::from(Arc::new(config))
    }

    /// Trusts this one alone, as `name`.
    pub(super) fn trusted(&self, name: &'static str) -> Tls {
        let trust = Trust::Authorities(PathBuf::new(), vec![self.certificate.clone()]);
        Tls { name: Some(name.try_into().expect("the name of a host")), trust }
    }
}

/// Trusts anybody, as nobody.
pub(super) const INSECURE: Tls = Tls { name: None, trust: Trust::Anybody };
