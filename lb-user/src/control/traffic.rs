//! The requests that look into single flows and packets.

use super::routes::{Agent, Failure, ask, failure, internal};
use super::types::{
    CaptureRequest, ExplainRequest, Explanation, FlowFilter, FlowList, TopBy, TopFlows, TraceLine, TraceRequest,
};
use super::{CapturedPacket, Query, Question};
use crate::capture::Pcapng;
use axum::body::{Body, Bytes};
use axum::extract::{Path, Query as Asked, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use futures_util::stream;
use pcap_file::PcapResult;
use tokio::sync::mpsc;

/// Where single packets are shown.
pub(super) const TRACE: &str = "/v1/trace";

/// Where packets themselves are to be had.
pub(super) const CAPTURE: &str = "/v1/capture";

/// What a browser makes of a capture.
const DOWNLOAD: &str = "attachment; filename=\"handoff.pcapng\"";

pub(super) fn routes() -> Router<mpsc::Sender<Query>> {
    Router::new()
        .route("/v1/flows", get(flows))
        .route("/v1/flows/top/{by}", get(top_flows))
        .route("/v1/explain", get(explain))
        .route(TRACE, get(trace))
        .route(CAPTURE, get(capture))
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

/// A pcapng file that grows until the agent ends the capture, as `trace` does.
async fn capture(State(agent): Agent, Asked(request): Asked<CaptureRequest>) -> Result<Response, Failure> {
    let snaplen = request.snaplen.unwrap_or(CaptureRequest::DEFAULT_SNAPLEN);
    let packets = ask(&agent, |answer| Question::Capture(request, answer)).await?.map_err(failure)?;
    let file = Pcapng::new(snaplen).map_err(|error| internal(error.to_string()))?;
    let parts = stream::unfold((packets, file, true), |(mut packets, mut file, is_first)| async move {
        // The header goes out at once: whoever reads sees that the capture runs.
        let added = if is_first { Ok(()) } else { add(&mut file, &mut packets).await? };
        Some((added.map(|()| Bytes::from(file.take())), (packets, file, false)))
    });
    let headers = [(header::CONTENT_TYPE, "application/x-pcapng"), (header::CONTENT_DISPOSITION, DOWNLOAD)];
    Ok((headers, Body::from_stream(parts)).into_response())
}

/// Adds the next packets to the file, as many as there are; `None` when there will be no more.
async fn add(file: &mut Pcapng, packets: &mut mpsc::Receiver<CapturedPacket>) -> Option<PcapResult<()>> {
    const AT_ONCE: usize = 64;
    let mut arrived = Vec::with_capacity(AT_ONCE);
    if packets.recv_many(&mut arrived, AT_ONCE).await == 0 {
        return None;
    }
    Some(arrived.iter().try_for_each(|packet| file.add(packet)))
}

fn json_line(line: &TraceLine) -> Result<Bytes, serde_json::Error> {
    let mut text = serde_json::to_vec(line)?;
    text.push(b'\n');
    Ok(text.into())
}
