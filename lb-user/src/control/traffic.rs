//! The requests that look into single flows and packets.

use super::routes::{Agent, Failure, ask, failure};
use super::types::{ExplainRequest, Explanation, FlowFilter, FlowList, TopBy, TopFlows, TraceLine, TraceRequest};
use super::{Query, Question};
use axum::body::{Body, Bytes};
use axum::extract::{Path, Query as Asked, State};
use axum::http::header;
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
    ask(&agent, |answer| Question::Flows(filter, answer)).await?.map(Json).map_err(failure)
}

async fn top_flows(
    State(agent): Agent,
    Path(by): Path<TopBy>,
    Asked(filter): Asked<FlowFilter>,
) -> Result<Json<TopFlows>, Failure> {
    ask(&agent, |answer| Question::TopFlows(by, filter, answer)).await?.map(Json).map_err(failure)
}

async fn explain(State(agent): Agent, Asked(question): Asked<ExplainRequest>) -> Result<Json<Explanation>, Failure> {
    ask(&agent, |answer| Question::Explain(question, answer)).await?.map(Json).map_err(failure)
}

/// One line after the other, until the agent ends the trace. When the asker hangs up, the agent sees that nobody takes them.
async fn trace(State(agent): Agent, Asked(question): Asked<TraceRequest>) -> Result<Response, Failure> {
    let lines = ask(&agent, |answer| Question::Trace(question, answer)).await?.map_err(failure)?;
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
