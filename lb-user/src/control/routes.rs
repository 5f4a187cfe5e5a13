//! The requests that the agent itself answers, and how a request gets to it.

use super::types::{
    ApplyRequest, BackendStatus, Generation, OverrideAnswer, OverrideRequest, PlanReport, RevokeRequest, RingStatus,
    RollbackRequest, RotateRequest, ServiceStatus, Status, Stop, VerdictCounter,
};
use super::{Order, Query, Question, Refused, RefusedKind, analysis, monitoring, traffic};
use axum::body::Body;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use futures_util::{StreamExt, stream};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{mpsc, oneshot};

pub(super) type Agent = State<mpsc::Sender<Query>>;
pub(super) type Failure = (StatusCode, Json<Refused>);

/// All routes of the API.
pub(crate) fn routes(agent: mpsc::Sender<Query>) -> Router {
    Router::new()
        .route("/v1/status", get(status))
        .route("/v1/services", get(services))
        .route("/v1/backends", get(backends))
        .route("/v1/counters", get(counters))
        .route("/v1/generations", get(generations))
        .route("/v1/events", get(events))
        .route("/v1/plan", post(plan))
        .route("/v1/apply", post(apply))
        .route("/v1/rollback", post(rollback))
        .route("/v1/override", post(say))
        .route("/v1/tickets", get(tickets))
        .route("/v1/tickets/rotate", post(rotate))
        .route("/v1/tickets/revoke", post(revoke))
        .route("/v1/stop", post(stop))
        .merge(analysis::routes())
        .merge(traffic::routes())
        .merge(monitoring::routes())
        .with_state(agent)
}

async fn status(State(agent): Agent) -> Result<Json<Status>, Failure> {
    ask(&agent, Question::Status).await.map(Json)
}

async fn services(State(agent): Agent) -> Result<Json<Vec<ServiceStatus>>, Failure> {
    ask(&agent, Question::Services).await?.map(Json).map_err(internal)
}

async fn backends(State(agent): Agent) -> Result<Json<Vec<BackendStatus>>, Failure> {
    ask(&agent, Question::Backends).await?.map(Json).map_err(internal)
}

async fn counters(State(agent): Agent) -> Result<Json<Vec<VerdictCounter>>, Failure> {
    ask(&agent, Question::Counters).await?.map(Json).map_err(internal)
}

async fn generations(State(agent): Agent) -> Result<Json<Vec<Generation>>, Failure> {
    ask(&agent, Question::Generations).await.map(Json)
}

/// Those that are kept, then each as it happens; one JSON object a line.
async fn events(State(agent): Agent) -> Result<Response, Failure> {
    let (recent, coming) = ask(&agent, Question::Events).await?;
    let coming = stream::unfold(coming, |mut coming| async {
        loop {
            match coming.recv().await {
                Ok(event) => return Some((event, coming)),
                // The numbers of the events tell.
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return None,
            }
        }
    });
    let lines = stream::iter(recent).chain(coming).map(|event| serde_json::to_string(&event).map(|line| line + "\n"));
    Ok(([(header::CONTENT_TYPE, "application/x-ndjson")], Body::from_stream(lines)).into_response())
}

async fn plan(State(agent): Agent, Json(request): Json<ApplyRequest>) -> Result<Json<PlanReport>, Failure> {
    order(&agent, |answer| Order::Plan(request, answer)).await
}

async fn apply(State(agent): Agent, Json(request): Json<ApplyRequest>) -> Result<Json<PlanReport>, Failure> {
    order(&agent, |answer| Order::Apply(request, answer)).await
}

async fn rollback(State(agent): Agent, Json(request): Json<RollbackRequest>) -> Result<Json<PlanReport>, Failure> {
    order(&agent, |answer| Order::Rollback(request, answer)).await
}

async fn say(State(agent): Agent, Json(request): Json<OverrideRequest>) -> Result<Json<OverrideAnswer>, Failure> {
    order(&agent, |answer| Order::Override(request, answer)).await
}

async fn tickets(State(agent): Agent) -> Result<Json<Vec<RingStatus>>, Failure> {
    ask(&agent, Question::Tickets).await.map(Json)
}

async fn rotate(State(agent): Agent, Json(request): Json<RotateRequest>) -> Result<Json<RingStatus>, Failure> {
    order(&agent, |answer| Order::RotateTickets(request, answer)).await
}

async fn revoke(State(agent): Agent, Json(request): Json<RevokeRequest>) -> Result<Json<RingStatus>, Failure> {
    order(&agent, |answer| Order::RevokeTickets(request, answer)).await
}

async fn stop(State(agent): Agent, Json(stop): Json<Stop>) -> Result<(), Failure> {
    send(&agent, |done| Query::Stop(stop, done)).await?.map_err(failure)
}

pub(super) async fn ask<T>(
    agent: &mpsc::Sender<Query>,
    question: impl FnOnce(oneshot::Sender<T>) -> Question,
) -> Result<T, Failure> {
    send(agent, |answer| Query::Question(question(answer))).await
}

async fn order<T>(
    agent: &mpsc::Sender<Query>,
    order: impl FnOnce(oneshot::Sender<Result<T, Refused>>) -> Order,
) -> Result<Json<T>, Failure> {
    send(agent, |answer| Query::Order(order(answer))).await?.map(Json).map_err(failure)
}

pub(super) fn failure(refused: Refused) -> Failure {
    let status = match refused.kind {
        RefusedKind::Invalid | RefusedKind::Config => StatusCode::UNPROCESSABLE_ENTITY,
        RefusedKind::Conflict => StatusCode::CONFLICT,
        RefusedKind::Failed => StatusCode::INTERNAL_SERVER_ERROR,
    };
    (status, Json(refused))
}

async fn send<T>(agent: &mpsc::Sender<Query>, query: impl FnOnce(oneshot::Sender<T>) -> Query) -> Result<T, Failure> {
    let gone = || (StatusCode::SERVICE_UNAVAILABLE, Json(Refused::failed("the agent is ending")));
    let (sender, answer) = oneshot::channel();
    agent.send(query(sender)).await.map_err(|_| gone())?;
    answer.await.map_err(|_| gone())
}

pub(super) fn internal(reason: String) -> Failure {
    (StatusCode::INTERNAL_SERVER_ERROR, Json(Refused::failed(reason)))
}
