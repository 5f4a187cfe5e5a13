//! The requests that look into single flows and packets.

use super::routes::{Agent, Failure, ask, failure};
use super::types::{ExplainRequest, Explanation, FlowFilter, FlowList, TopBy, TopFlows};
use super::{Query, Question};
use axum::extract::{Path, Query as Asked, State};
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
