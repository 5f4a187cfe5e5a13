//! HTTP over TCP, for clients with a certificate.

use super::Error;
use super::connection::converse;
use axum::Router;
use hyper_util::server::graceful::Watcher;
use rustls::ServerConfig;
use rustls::pki_types::CertificateDer;
use std::collections::BTreeSet;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tracing::{debug, info};
use webpki::EndEntityCert;

/// How long a TLS handshake may take.
const HANDSHAKE_PATIENCE: Duration = Duration::from_secs(5);
/// Handshakes that may be under way at once: whoever comes then is turned away, since anybody may begin one.
const MAX_HANDSHAKES: usize = 64;
/// Connections that may wait to be accepted.
const BACKLOG: u32 = 128;

/// The listener, bound.
pub(crate) struct Listener {
    listener: TcpListener,
    gate: Arc<Gate>,
}

/// What every client has to get through.
struct Gate {
    tls: TlsAcceptor,
    guard: Box<Guard>,
    handshakes: Arc<Semaphore>,
    clients: Semaphore,
}

/// What becomes of the routes for the holder of a certificate.
type Guard = dyn Fn(&CertificateDer<'_>, Router) -> Router + Send + Sync;

impl Listener {
    /// Listens at `address` and serves so many clients at once: others wait. `guard` makes of the routes what the holder of a certificate
    /// may use. `about` is the table of the configuration that asks for it.
    ///
    /// # Errors
    /// When the address is not this machine's, or is taken.
    pub(crate) fn bind(
        about: &'static str,
        address: SocketAddr,
        tls: ServerConfig,
        most: usize,
        guard: impl Fn(&CertificateDer<'_>, Router) -> Router + Send + Sync + 'static,
    ) -> Result<Self, Error> {
        let listener = listen(address).map_err(|source| Error::Listen { about, address, source })?;
        info!(%address, "[{about}] listens");
        let gate = Gate {
            tls: TlsAcceptor::from(Arc::new(tls)),
            guard: Box::new(guard),
            handshakes: Arc::new(Semaphore::new(MAX_HANDSHAKES)),
            clients: Semaphore::new(most),
        };
        Ok(Self { listener, gate: Arc::new(gate) })
    }

    /// Serves the routes to clients, each as far as the guard lets it, until it is dropped.
    pub(crate) async fn serve(self, routes: Router, watch: impl Fn() -> Watcher) {
        loop {
            match self.listener.accept().await {
                Ok((stream, peer)) => self.gate.clone().admit(stream, peer, routes.clone(), watch()),
                Err(error) => {
                    debug!(%error, "a connection could not be accepted");
                    // If the process has too many files open, trying again at once would keep it from closing any.
                    sleep(Duration::from_millis(10)).await;
                }
            }
        }
    }
}

impl Gate {
    fn admit(self: Arc<Self>, stream: TcpStream, peer: SocketAddr, routes: Router, watcher: Watcher) {
        let Ok(handshake) = self.handshakes.clone().try_acquire_owned() else {
            return debug!(%peer, "turned away: too many TLS handshakes are under way");
        };
        tokio::spawn(async move {
            // Every message waits for the one before: none may wait for more to send along with it.
            let _ = stream.set_nodelay(true);
            let accepted = timeout(HANDSHAKE_PATIENCE, self.tls.accept(stream)).await;
            drop(handshake);
            match accepted {
                // The semaphore is never closed; the connection ends with its client or its patience.
                Ok(Ok(stream)) => {
                    let _client = self.clients.acquire().await;
                    if let Some(routes) = self.routes(&stream, routes) {
                        converse(stream, routes, watcher).await;
                    }
                }
                // Whoever scans the network does that: no matter for an operator.
                Ok(Err(error)) => debug!(%peer, %error, "no TLS with a client"),
                Err(_) => debug!(%peer, "a client took too long for its TLS handshake"),
            }
        });
    }

    /// The routes that the client may use. Its certificate is there: TLS has asked for it.
    fn routes(&self, stream: &TlsStream<TcpStream>, routes: Router) -> Option<Router> {
        let certificate = stream.get_ref().1.peer_certificates()?.first()?;
        Some((self.guard)(certificate, routes))
    }
}

/// The DNS names and URIs of a certificate.
pub(crate) fn names(certificate: &CertificateDer<'_>) -> BTreeSet<String> {
    let Ok(certificate) = EndEntityCert::try_from(certificate) else { return BTreeSet::new() };
    certificate.valid_dns_names().chain(certificate.valid_uri_names()).map(str::to_owned).collect()
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // Connections of the agent before may still be in TIME-WAIT.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}
