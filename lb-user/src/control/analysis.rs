//! The requests about the traffic as a whole, and everything at once.

use super::discreet::{Discreet, shown_to};
use super::routes::{Agent, Failure, ask, failure, internal};
use super::types::{History, HistoryRequest, Samples, Snapshot, Traffic};
use super::{Query, Question};
use axum::extract::{Extension, Query as Asked, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::routing::get;
use axum::{Json, Router};
use futures_util::{Stream, stream};
use tokio::sync::mpsc;

pub(super) fn routes() -> Router<mpsc::Sender<Query>> {
    Router::new()
        .route("/v1/traffic", get(traffic))
        .route("/v1/samples", get(samples))
        .route("/v1/history", get(history))
        .route("/v1/snapshot", get(snapshot))
        .route("/v1/live", get(live))
}

async fn traffic(State(agent): Agent) -> Result<Json<Traffic>, Failure> {
    ask(&agent, Question::Traffic).await?.map(Json).map_err(internal)
}

async fn samples(State(agent): Agent) -> Result<Json<Samples>, Failure> {
    ask(&agent, Question::Samples).await.map(Json)
}

async fn history(State(agent): Agent, Asked(request): Asked<HistoryRequest>) -> Result<Json<History>, Failure> {
    ask(&agent, |answer| Question::History(request, answer)).await?.map(Json).map_err(failure)
}

async fn snapshot(State(agent): Agent, discreet: Option<Extension<Discreet>>) -> Result<Json<Snapshot>, Failure> {
    let snapshot = ask(&agent, Question::Snapshot).await?.map_err(internal)?;
    Ok(Json(shown_to(discreet.map(|Extension(it)| it), &snapshot).into_owned()))
}

/// One snapshot a second, until the agent ends or the listener hangs up.
async fn live(
    State(agent): Agent,
    discreet: Option<Extension<Discreet>>,
) -> Result<Sse<impl Stream<Item = Result<Event, axum::Error>>>, Failure> {
    let snapshots = ask(&agent, Question::Live).await?;
    let discreet = discreet.map(|Extension(it)| it);
    let events = stream::unfold(snapshots, move |mut snapshots| async move {
        snapshots.changed().await.ok()?;
        let snapshot = snapshots.borrow_and_update().clone()?;
        Some((Event::default().json_data(&*shown_to(discreet, &snapshot)), snapshots))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::default()))
}
