//! What back-ends ask for, over TLS with certificates on both sides: the certificate says which back-end it is.

use super::Keeper;
use super::rings::Rings;
use crate::config::Tickets;
use crate::control;
use crate::control::connection::bounded;
use crate::control::listener::{Listener, names};
use crate::tickets::wire::{self, Report, RingMessage};
use crate::tickets::{RingName, Version};
use axum::extract::{Extension, Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use hyper_util::server::graceful::GracefulShutdown;
use serde::Deserialize;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// Back-ends that are served at once: each has a request under way most of the time.
const MAX_CLIENTS: usize = 4_096;
/// How long a request waits for another ring: shorter than any request may take.
const POLL: Duration = Duration::from_secs(25);

/// The names in the certificate of whoever asks.
#[derive(Clone)]
struct Names(Arc<BTreeSet<String>>);

#[derive(Deserialize)]
struct After {
    after: Option<String>,
}

type Refusal = (StatusCode, String);

pub(super) fn bind(tickets: &Tickets) -> Result<Listener, control::Error> {
    let tls = tickets.identity.tls().map_err(control::Error::Tls)?;
    Listener::bind("tickets", tickets.listen, tls, MAX_CLIENTS, |certificate, routes| {
        Some(routes.layer(Extension(Names(Arc::new(names(certificate?))))))
    })
}

pub(super) async fn serve(listener: Listener, keeper: Keeper) {
    let routes = Router::new()
        .route("/v1/rings/{name}", get(ring))
        .route("/v1/rings/{name}/report", post(report))
        .with_state(keeper);
    let ending = GracefulShutdown::new();
    listener.serve(bounded(routes, wire::LARGEST), || ending.watcher()).await;
}

/// A ring, as soon as there is one that the back-end does not have.
async fn ring(
    State(keeper): State<Keeper>,
    Extension(Names(names)): Extension<Names>,
    Path(name): Path<String>,
    Query(After { after }): Query<After>,
) -> Result<Response, Refusal> {
    let name = ring_name(name)?;
    let bad = |reason| (StatusCode::BAD_REQUEST, format!("after: {reason}\n"));
    let after: Option<Version> = after.map(|text| text.parse().map_err(bad)).transpose()?;
    let mut changed = keeper.0.changed.subscribe();
    let waiting = async {
        loop {
            changed.mark_unchanged();
            let message = keeper.with(|rings, now| {
                let node = node(rings, &name, &names)?;
                rings.message(&name, node, after, now).ok_or_else(|| stranger(&name, &names))
            })?;
            if let Some(message) = message {
                return Ok::<_, Refusal>(message);
            }
            // The keeper has the other end: it is not dropped.
            let _ = changed.changed().await;
        }
    };
    match timeout(POLL, waiting).await {
        Ok(message) => Ok(with_keys(message?)),
        Err(_) => Ok(StatusCode::NO_CONTENT.into_response()),
    }
}

/// What the back-end has made of a ring.
async fn report(
    State(keeper): State<Keeper>,
    Extension(Names(names)): Extension<Names>,
    Path(name): Path<String>,
    Json(report): Json<Report>,
) -> Result<StatusCode, Refusal> {
    let name = ring_name(name)?;
    keeper.with(|rings, now| {
        let node = node(rings, &name, &names)?.to_owned();
        rings
            .report(&name, &node, &report, now)
            .then_some(StatusCode::NO_CONTENT)
            .ok_or_else(|| stranger(&name, &names))
    })
}

fn with_keys(message: RingMessage) -> Response {
    ([(header::CACHE_CONTROL, "no-store")], Json(message)).into_response()
}

fn ring_name(text: String) -> Result<RingName, Refusal> {
    RingName::try_from(text).map_err(|reason| (StatusCode::NOT_FOUND, format!("{reason}\n")))
}

/// Which of the ring's nodes it is.
fn node<'a>(rings: &Rings, ring: &RingName, names: &'a BTreeSet<String>) -> Result<&'a str, Refusal> {
    let kept = rings.get(ring).filter(|kept| names.iter().any(|name| kept.nodes.contains(name)));
    let kept = kept.ok_or_else(|| stranger(ring, names))?;
    names.iter().map(String::as_str).find(|name| kept.nodes.contains(name)).ok_or_else(|| stranger(ring, names))
}

/// The same whether there is such a ring or not: who may not have it need not know.
fn stranger(ring: &RingName, names: &BTreeSet<String>) -> Refusal {
    let names = names.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
    let message = format!(
        "the certificate is of {names:?}, which is no node of the ring {ring}: it must name a back-end of the ring's services, not a revoked one\n"
    );
    (StatusCode::FORBIDDEN, message)
}
