//! The API over TCP, for clients with a certificate.

use super::Error;
use super::connection::converse;
use super::role::Role;
use crate::config::Api;
use axum::Router;
use hyper_util::server::graceful::Watcher;
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

/// How long a TLS handshake may take.
const HANDSHAKE_PATIENCE: Duration = Duration::from_secs(5);
/// Handshakes that may be under way at once: whoever comes then is turned away, since anybody may begin one.
const MAX_HANDSHAKES: usize = 64;
/// Clients with a certificate that are served at once: others wait.
const MAX_CLIENTS: usize = 64;
/// Connections that may wait to be accepted.
const BACKLOG: u32 = 128;

/// The listener, bound.
pub(super) struct Listener {
    listener: TcpListener,
    gate: Arc<Gate>,
}

/// What every client has to get through.
struct Gate {
    tls: TlsAcceptor,
    admins: BTreeSet<String>,
    handshakes: Arc<Semaphore>,
    clients: Semaphore,
}

impl Listener {
    /// Listens where the configuration says.
    ///
    /// # Errors
    /// When the address is not this machine's, or is taken.
    pub(super) fn bind(api: &Api) -> Result<Self, Error> {
        let tls = api.tls().map_err(Error::Tls)?;
        let listener = listen(api.listen).map_err(|source| Error::Listen { address: api.listen, source })?;
        info!(address = %api.listen, "the API listens");
        let gate = Gate {
            tls: TlsAcceptor::from(Arc::new(tls)),
            admins: api.admins.clone(),
            handshakes: Arc::new(Semaphore::new(MAX_HANDSHAKES)),
            clients: Semaphore::new(MAX_CLIENTS),
        };
        Ok(Self { listener, gate: Arc::new(gate) })
    }

    /// Serves the routes to clients, each as far as its role goes, until it is dropped.
    pub(super) async fn serve(self, routes: Router, watch: impl Fn() -> Watcher) {
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
                    let routes = self.role(&stream).guard(routes);
                    converse(stream, routes, watcher).await;
                }
                // Whoever scans the network does that: no matter for an operator.
                Ok(Err(error)) => debug!(%peer, %error, "no TLS with a client"),
                Err(_) => debug!(%peer, "a client took too long for its TLS handshake"),
            }
        });
    }

    fn role(&self, stream: &TlsStream<TcpStream>) -> Role {
        let certificates = stream.get_ref().1.peer_certificates().unwrap_or_default();
        certificates.first().map_or(Role::ReadOnly, |certificate| Role::of(certificate, &self.admins))
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // Connections of the agent before may still be in TIME-WAIT.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}
