//! The requests that look into single flows and packets.

use super::Query;
use super::refusal::Refusal;
use super::server::{Agent, Failure, ask};
use super::types::{Explanation, FlowFilter, FlowList, Question, TopBy, TopFlows};
use axum::extract::{Path, Query as Asked, State};
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use tokio::sync::mpsc;

pub(super) fn routes() -> Router<mpsc::Sender<Query>> {
    Router::new()
        .route("/v1/flows", get(flows))
        .route("/v1/flows/top/{by}", get(top_flows))
        .route("/v1/explain", get(explain))
}

async fn flows(State(agent): Agent, Asked(filter): Asked<FlowFilter>) -> Result<Json<FlowList>, Failure> {
    ask(&agent, |answer| Query::Flows(filter, answer)).await?.map(Json).map_err(refused)
}

async fn top_flows(
    State(agent): Agent,
    Path(by): Path<TopBy>,
    Asked(filter): Asked<FlowFilter>,
) -> Result<Json<TopFlows>, Failure> {
    ask(&agent, |answer| Query::TopFlows(by, filter, answer)).await?.map(Json).map_err(refused)
}

async fn explain(State(agent): Agent, Asked(question): Asked<Question>) -> Result<Json<Explanation>, Failure> {
    ask(&agent, |answer| Query::Explain(question, answer)).await?.map(Json).map_err(refused)
}

fn refused(refusal: Refusal) -> Failure {
    match refusal {
        Refusal::Question(reason) => (StatusCode::BAD_REQUEST, reason),
        Refusal::Busy(reason) => (StatusCode::CONFLICT, reason),
        Refusal::Failed(reason) => (StatusCode::INTERNAL_SERVER_ERROR, reason),
    }
}
