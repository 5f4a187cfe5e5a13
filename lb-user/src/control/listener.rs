//! HTTP over TCP with TLS, as a rule for clients with a certificate.

use super::Error;
use super::connection::answer;
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
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tracing::{debug, info};
use webpki::EndEntityCert;

/// How long a TLS handshake may take.
const HANDSHAKE_PATIENCE: Duration = Duration::from_secs(5);
/// How long a client may wait thereafter until others have been served.
const TURN_PATIENCE: Duration = Duration::from_secs(10);
/// Connections that may be in their handshake or waiting for their turn: whoever comes then is turned away, since anybody may begin one.
const MAX_ARRIVALS: usize = 64;
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
    arrivals: Arc<Semaphore>,
    clients: Semaphore,
}

/// What becomes of the routes for the holder of a certificate, or for somebody without one. `None` is no answer at all.
type Guard = dyn Fn(Option<&CertificateDer<'_>>, Router) -> Option<Router> + Send + Sync;

impl Listener {
    /// Listens at `address` and serves so many clients at once: others wait for a while. `guard` makes of the routes what the holder of a
    /// certificate may use; TLS has checked the certificate, and whether one is needed. `about` is the table of the configuration that asks for it.
    ///
    /// # Errors
    /// When the address is not this machine's, or is taken.
    pub(crate) fn bind(
        about: &'static str,
        address: SocketAddr,
        tls: ServerConfig,
        most: usize,
        guard: impl Fn(Option<&CertificateDer<'_>>, Router) -> Option<Router> + Send + Sync + 'static,
    ) -> Result<Self, Error> {
        let listener = listen(address).map_err(|source| Error::Listen { about, address, source })?;
        info!(%address, "[{about}] listens");
        let gate = Gate {
            tls: TlsAcceptor::from(Arc::new(tls)),
            guard: Box::new(guard),
            arrivals: Arc::new(Semaphore::new(MAX_ARRIVALS)),
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
        let Ok(arrival) = self.arrivals.clone().try_acquire_owned() else {
            return debug!(%peer, "turned away: too many others have just come");
        };
        tokio::spawn(async move {
            // Every message waits for the one before: none may wait for more to send along with it.
            let _ = stream.set_nodelay(true);
            let stream = match timeout(HANDSHAKE_PATIENCE, self.tls.accept(stream)).await {
                Ok(Ok(stream)) => stream,
                // Whoever scans the network does that: no matter for an operator.
                Ok(Err(error)) => return debug!(%peer, %error, "no TLS with a client"),
                Err(_) => return debug!(%peer, "a client took too long for its TLS handshake"),
            };
            let Some(_client) = turn(&self.clients, arrival).await else {
                return debug!(%peer, "turned away: its turn did not come in time");
            };
            if let Some(routes) = self.routes(&stream, routes) {
                answer(stream, routes, watcher).await;
            }
        });
    }

    /// The routes that the client may use.
    fn routes(&self, stream: &TlsStream<TcpStream>, routes: Router) -> Option<Router> {
        let certificates = stream.get_ref().1.peer_certificates();
        (self.guard)(certificates.and_then(<[_]>::first), routes)
    }
}

/// The right to be served, if there is room in time. Whoever waits for it goes on counting as an arrival, so that those are few as well.
async fn turn(clients: &Semaphore, _arrival: OwnedSemaphorePermit) -> Option<SemaphorePermit<'_>> {
    // The semaphore is never closed.
    timeout(TURN_PATIENCE, clients.acquire()).await.ok()?.ok()
}

/// The DNS names and URIs of a certificate.
pub(crate) fn names(certificate: &CertificateDer<'_>) -> BTreeSet<String> {
    let Ok(certificate) = EndEntityCert::try_from(certificate) else { return BTreeSet::new() };
    certificate.valid_dns_names().chain(certificate.valid_uri_names()).map(str::to_owned).collect()
}

/// A socket that listens at `address`.
///
/// # Errors
/// When the address is not this machine's, or is taken.
pub(crate) fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // Connections of the agent before may still be in TIME-WAIT.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use std::pin::pin;

    #[tokio::test]
    async fn whoever_waits_for_a_turn_still_counts_as_an_arrival() {
        let (arrivals, clients) = (Arc::new(Semaphore::new(1)), Semaphore::new(0));
        let mut waiting = pin!(turn(&clients, arrivals.clone().try_acquire_owned().unwrap()));
        assert!(waiting.as_mut().now_or_never().is_none());
        assert_eq!(arrivals.available_permits(), 0);
        clients.add_permits(1);
        let client = waiting.await;
        assert!(client.is_some());
        assert_eq!((arrivals.available_permits(), clients.available_permits()), (1, 0));
    }
}
