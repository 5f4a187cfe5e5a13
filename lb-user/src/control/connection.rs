//! One connection of the API, whatever it came by. Whoever is at its other end may be slow, or send anything.

use super::Query;
use super::role::Role;
use super::routes::routes;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::serve::Listener;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::timeout;
use tracing::debug;

/// How long the headers of a request may take to arrive.
const HEADER_PATIENCE: Duration = Duration::from_secs(5);
/// How long a request may take until its answer begins, the arrival of its body included.
const ANSWER_PATIENCE: Duration = Duration::from_secs(30);
/// Most bytes of the line and the headers of a request.
const MAX_HEADERS: usize = 16 * 1024;
/// Most bytes of the body of a request of the control API: more than the largest configuration has.
pub(crate) const MAX_BODY: usize = 16 * 1024 * 1024;

/// The routes, with bounds on what each request may take, its body included.
pub(crate) fn bounded(routes: Router, max_body: usize) -> Router {
    routes.layer(DefaultBodyLimit::max(max_body)).layer(from_fn(in_time))
}

/// Answers what comes by `stream` as the control socket does, by asking `agent`: for whoever has neither a socket nor an agent, as the fuzz targets.
pub async fn converse<S>(stream: S, agent: mpsc::Sender<Query>)
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    let routes = Role::Admin.guard(bounded(routes(agent), MAX_BODY));
    answer(stream, routes, GracefulShutdown::new().watcher()).await;
}

/// Answers one request, which is all that a connection is for. When the agent ends, so does the connection, after its answer.
pub(super) async fn answer<S>(stream: S, routes: Router, watcher: Watcher)
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_PATIENCE)
        .max_buf_size(MAX_HEADERS)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(routes));
    if let Err(error) = watcher.watch(connection).await {
        debug!(%error, "a client of the API was cut off");
    }
}

/// Serves the routes to whoever comes to the listener, to so many at once: others wait.
pub(crate) async fn accept<L>(mut listener: L, most: usize, routes: Router, watch: impl Fn() -> Watcher)
where
    L: Listener<Io: Unpin>,
{
    let clients = Arc::new(Semaphore::new(most));
    loop {
        // Nobody closes the semaphore.
        let client = clients.clone().acquire_owned().await;
        let (stream, _) = listener.accept().await;
        let conversation = answer(stream, routes.clone(), watch());
        tokio::spawn(async {
            conversation.await;
            drop(client);
        });
    }
}

async fn in_time(request: Request, next: Next) -> Response {
    // How long a drain takes is in the configuration.
    if request.uri().path() == "/v1/stop" {
        return next.run(request).await;
    }
    let late = || (StatusCode::REQUEST_TIMEOUT, "the request took too long").into_response();
    timeout(ANSWER_PATIENCE, next.run(request)).await.unwrap_or_else(|_| late())
}
