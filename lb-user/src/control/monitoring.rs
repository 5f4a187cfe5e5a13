//! What monitoring asks for. Nothing here changes anything, or tells a secret: it may be served to anybody who may know the numbers.

use super::connection::{MAX_BODY, accept, bounded};
use super::routes::{Agent, Failure, ask, internal};
use super::types::{ServiceStatus, Status};
use super::{Query, Question};
use crate::metrics;
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use hyper_util::server::graceful::GracefulShutdown;
use std::net::SocketAddr;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tracing::{error, info};

/// Clients that are served at once: others wait.
const MAX_CLIENTS: usize = 16;

pub(super) fn routes() -> Router<mpsc::Sender<Query>> {
    Router::new().route("/metrics", get(metrics)).route("/live", get(live)).route("/ready", get(ready))
}

/// Serves them at `address` to whoever gets there, as long as the agent runs. Without them, the agent still does what it is for.
pub(crate) async fn serve(address: SocketAddr, agent: mpsc::Sender<Query>) {
    let listener = match TcpListener::bind(address).await {
        Ok(listener) => listener,
        Err(error) => {
            return error!(%error, %address, "metrics are not served: give agent: metrics another address, or end who listens there");
        }
    };
    info!(%address, "metrics are served");
    let ending = GracefulShutdown::new();
    accept(listener, MAX_CLIENTS, bounded(routes().with_state(agent), MAX_BODY), || ending.watcher()).await;
}

/// The numbers.
async fn metrics(State(agent): Agent) -> Result<impl IntoResponse, Failure> {
    let snapshot = ask(&agent, Question::Snapshot).await?.map_err(internal)?;
    let text = metrics::exposition(snapshot.into()).map_err(|error| internal(error.to_string()))?;
    Ok(([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], text))
}

/// Whether the agent answers at all.
async fn live(State(agent): Agent) -> Result<&'static str, Failure> {
    // Cheap to answer, unlike what looks through the flow table.
    ask(&agent, Question::Generations).await.map(|_| "the agent answers\n")
}

/// Whether it balances as it should: status 503 and the reasons, if not.
async fn ready(State(agent): Agent) -> Result<(StatusCode, String), Failure> {
    let status = ask(&agent, Question::Status).await?;
    let services = ask(&agent, Question::Services).await?.map_err(internal)?;
    let reasons = not_ready(&status, &services);
    if reasons.is_empty() {
        return Ok((StatusCode::OK, format!("{} services are served\n", services.len())));
    }
    Ok((StatusCode::SERVICE_UNAVAILABLE, reasons.concat()))
}

fn not_ready(status: &Status, services: &[ServiceStatus]) -> Vec<String> {
    let failure = status.failure.iter().map(|failure| format!("{failure}\n"));
    let empty = services.iter().filter(|service| service.ready == 0);
    failure.chain(empty.map(|service| format!("service {}: no back-end is ready\n", service.name))).collect()
}
