use super::attempts::Attempts;
use super::gate::{Certificate, Gate, pass};
use super::session::Sessions;
use super::token::Token;
use super::{Error, assets, login};
use crate::config;
use crate::control::connection::{accept, bounded};
use crate::control::listener::{Listener, listen};
use crate::control::role::Role;
use crate::control::{self, Query, routes};
use axum::extract::Extension;
use axum::middleware::from_fn_with_state;
use hyper_util::server::graceful::GracefulShutdown;
use listenfd::ListenFd;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tracing::info;

/// Visitors that are served at once: others wait. A page takes two connections for as long as it is open.
const MAX_CLIENTS: usize = 64;
/// Most bytes of the body of a request: the page sends a token, or says what is to become of a back-end.
const MAX_BODY: usize = 16 * 1024;

/// The dashboard, bound.
pub(crate) struct Dashboard {
    listener: Bound,
    gate: Arc<Gate>,
}

enum Bound {
    Plain(TcpListener),
    Tls(Listener),
}

impl Dashboard {
    /// Listens where the configuration says. A socket that is bound there already and was handed to this process, as systemd does it
    /// (sd_listen_fds(3)), is used: it may be one of another network namespace.
    ///
    /// # Errors
    /// When there is no token, or the address is not this machine's or is taken.
    pub(crate) fn bind(dashboard: &config::Dashboard) -> Result<Self, Error> {
        let gate = Gate {
            is_local: dashboard.listen.ip().is_loopback(),
            is_secure: dashboard.identity.is_some(),
            cookie: format!("handoff-{}", dashboard.listen.port()),
            token: Token::open(&dashboard.token_file)?,
            sessions: Sessions::new()?,
            attempts: Mutex::new(Attempts::default()),
        };
        let listener = match &dashboard.identity {
            None => Bound::Plain(plain(dashboard.listen)?),
            Some(identity) => {
                let tls = identity.tls_for_anybody().map_err(control::Error::Tls)?;
                let admins = dashboard.admins.clone();
                let listener =
                    Listener::bind("dashboard", dashboard.listen, tls, MAX_CLIENTS, move |certificate, routes| {
                        let role = certificate.map(|certificate| Role::of(certificate, &admins));
                        Some(routes.layer(Extension(Certificate(role))))
                    });
                Bound::Tls(listener?)
            }
        };
        Ok(Self { listener, gate: Arc::new(gate) })
    }

    /// Serves the page, and the API beneath it, as long as the agent runs.
    pub(crate) async fn serve(self, agent: mpsc::Sender<Query>) {
        let routes = assets::routes()
            .merge(login::routes(self.gate.clone()))
            .merge(routes::routes(agent))
            .layer(from_fn_with_state(self.gate, pass));
        let routes = bounded(routes, MAX_BODY);
        let ending = GracefulShutdown::new();
        match self.listener {
            Bound::Plain(listener) => accept(listener, MAX_CLIENTS, routes, || ending.watcher()).await,
            Bound::Tls(listener) => listener.serve(routes, || ending.watcher()).await,
        }
    }
}

fn plain(address: SocketAddr) -> Result<TcpListener, Error> {
    let bound = handed_over(address).map_or_else(|| listen(address), Ok);
    let listener = bound.map_err(|source| control::Error::Listen { about: "dashboard", address, source })?;
    info!(%address, "[dashboard] listens");
    Ok(listener)
}

/// The socket at `address` among those that this process was started with.
fn handed_over(address: SocketAddr) -> Option<TcpListener> {
    let mut sockets = ListenFd::from_env();
    let listeners = (0..sockets.len()).filter_map(|number| sockets.take_tcp_listener(number).ok().flatten());
    let listener = listeners.into_iter().find(|listener| listener.local_addr().is_ok_and(|bound| bound == address))?;
    let adopt = |listener: std::net::TcpListener| -> io::Result<TcpListener> {
        listener.set_nonblocking(true)?;
        TcpListener::from_std(listener)
    };
    adopt(listener).ok()
}
