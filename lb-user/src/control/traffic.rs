//! The requests that look into single flows and packets.

use super::Query;
use super::refusal::Refusal;
use super::server::{Agent, Failure, ask};
use super::types::{Explanation, FlowFilter, FlowList, Question, TopBy, TopFlows, TraceLine, TraceQuestion};
use axum::body::{Body, Bytes};
use axum::extract::{Path, Query as Asked, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use futures_util::stream;
use tokio::sync::mpsc;

pub(super) fn routes() -> Router<mpsc::Sender<Query>> {
    Router::new()
        .route("/v1/flows", get(flows))
        .route("/v1/flows/top/{by}", get(top_flows))
        .route("/v1/explain", get(explain))
        .route("/v1/trace", get(trace))
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

/// One line after the other, until the agent ends the trace. When the asker hangs up, the agent sees that nobody takes them.
async fn trace(State(agent): Agent, Asked(question): Asked<TraceQuestion>) -> Result<Response, Failure> {
    let lines = ask(&agent, |answer| Query::Trace(question, answer)).await?.map_err(refused)?;
    let lines = stream::unfold(lines, |mut lines| async move {
        let line = lines.recv().await?;
        Some((json_line(&line), lines))
    });
    Ok(([(header::CONTENT_TYPE, "application/x-ndjson")], Body::from_stream(lines)).into_response())
}

fn json_line(line: &TraceLine) -> Result<Bytes, serde_json::Error> {
    let mut text = serde_json::to_vec(line)?;
    text.push(b'\n');
    Ok(text.into())
}

fn refused(refusal: Refusal) -> Failure {
    match refusal {
        Refusal::Question(reason) => (StatusCode::BAD_REQUEST, reason),
        Refusal::Busy(reason) => (StatusCode::CONFLICT, reason),
        Refusal::Failed(reason) => (StatusCode::INTERNAL_SERVER_ERROR, reason),
    }
}
