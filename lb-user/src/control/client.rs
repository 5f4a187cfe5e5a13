use super::request::send;
use super::types::{
    ApplyRequest, BackendStatus, CaptureRequest, Event, ExplainRequest, Explanation, FlowFilter, FlowList, Generation,
    History, HistoryRequest, OverrideAnswer, OverrideRequest, PlanReport, RevokeRequest, RingStatus, RollbackRequest,
    RotateRequest, Samples, ServiceStatus, Snapshot, Status, Stop, TopBy, TopFlows, TraceLine, TraceRequest, Traffic,
    VerdictCounter,
};
use super::{Error, Remote};
use http_body_util::BodyExt;
use hyper::body::{Bytes, Incoming};
use hyper::{Method, Response, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::path::PathBuf;
use std::{fmt, io};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::UnixStream;

/// The command line's end of the control API. Every request has a connection of its own.
#[derive(Clone, Debug)]
pub struct Client {
    agent: Agent,
}

/// Where the agent is.
#[derive(Clone, Debug)]
enum Agent {
    Local(PathBuf),
    Remote(Box<Remote>),
}

impl fmt::Display for Agent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local(path) => write!(f, "{}", path.display()),
            Self::Remote(remote) => write!(f, "{remote}"),
        }
    }
}

impl Client {
    /// A client of the agent that listens at `path`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { agent: Agent::Local(path.into()) }
    }

    /// A client of an agent that listens on TCP.
    pub fn remote(remote: Remote) -> Self {
        Self { agent: Agent::Remote(Box::new(remote)) }
    }

    /// How the agent is.
    ///
    /// # Errors
    /// When no agent answers as it should; so for all requests.
    pub async fn status(&self) -> Result<Status, Error> {
        self.get("/v1/status").await
    }

    /// What it balances.
    ///
    /// # Errors
    /// As [`Client::status`].
    pub async fn services(&self) -> Result<Vec<ServiceStatus>, Error> {
        self.get("/v1/services").await
    }

    /// Who answers.
    ///
    /// # Errors
    /// As [`Client::status`].
    pub async fn backends(&self) -> Result<Vec<BackendStatus>, Error> {
        self.get("/v1/backends").await
    }

    /// What became of the packets.
    ///
    /// # Errors
    /// As [`Client::status`].
    pub async fn counters(&self) -> Result<Vec<VerdictCounter>, Error> {
        self.get("/v1/counters").await
    }

    /// Which flows are remembered.
    ///
    /// # Errors
    /// As [`Client::status`], and when there is no such service or back-end.
    pub async fn flows(&self, filter: &FlowFilter) -> Result<FlowList, Error> {
        self.ask("/v1/flows", filter).await
    }

    /// Who has most of the flows that are remembered.
    ///
    /// # Errors
    /// As [`Client::flows`].
    pub async fn top_flows(&self, by: TopBy, filter: &FlowFilter) -> Result<TopFlows, Error> {
        self.ask(&format!("/v1/flows/top/{by}"), filter).await
    }

    /// Where a packet would go, and why.
    ///
    /// # Errors
    /// As [`Client::status`], and when there can be no such packet.
    pub async fn explain(&self, request: &ExplainRequest) -> Result<Explanation, Error> {
        self.ask("/v1/explain", request).await
    }

    /// What becomes of packets as they come. Gives each to `each`, until that has had enough or the trace ends.
    ///
    /// # Errors
    /// As [`Client::status`], and when somebody else is tracing.
    pub async fn trace(&self, request: &TraceRequest, each: impl FnMut(TraceLine) -> bool) -> Result<(), Error> {
        self.json_lines(&self.with_query("/v1/trace", request)?, each).await
    }

    /// Packets as they come, and what becomes of them. Gives what there is of the pcapng file to `each`, until that has had enough or the
    /// capture ends.
    ///
    /// # Errors
    /// As [`Client::status`], and when no more can capture at once.
    pub async fn capture(&self, request: &CaptureRequest, mut each: impl FnMut(&[u8]) -> bool) -> Result<(), Error> {
        let path = self.with_query("/v1/capture", request)?;
        let mut body = self.send(Method::GET, &path, Vec::new()).await?.into_body();
        while let Some(frame) = body.frame().await {
            let broken = |error| self.unexpected(&Method::GET, &path, format!("the agent hung up: {error}"));
            if !frame.map_err(broken)?.data_ref().is_none_or(|bytes| each(bytes)) {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Ends the agent, and if wanted forwarding as well. Returns when that is done; its socket goes right after.
    ///
    /// # Errors
    /// As [`Client::status`].
    pub async fn stop(&self, stop: Stop) -> Result<(), Error> {
        let body = serde_json::to_vec(&stop).unwrap_or_default();
        self.request(Method::POST, "/v1/stop", body).await.map(drop)
    }

    /// Says what a configuration would change.
    ///
    /// # Errors
    /// As [`Client::status`], and [`Error::Refused`] when it cannot be; so for all changes.
    pub async fn plan(&self, request: &ApplyRequest) -> Result<PlanReport, Error> {
        self.post("/v1/plan", request).await
    }

    /// Makes the agent follow another configuration; says what changed.
    ///
    /// # Errors
    /// As [`Client::plan`].
    pub async fn apply(&self, request: &ApplyRequest) -> Result<PlanReport, Error> {
        self.post("/v1/apply", request).await
    }

    /// Makes the agent follow a former configuration again; says what changed.
    ///
    /// # Errors
    /// As [`Client::plan`].
    pub async fn roll_back(&self, request: RollbackRequest) -> Result<PlanReport, Error> {
        self.post("/v1/rollback", &request).await
    }

    /// The configurations that can be gone back to, oldest first.
    ///
    /// # Errors
    /// As [`Client::status`].
    pub async fn generations(&self) -> Result<Vec<Generation>, Error> {
        self.get("/v1/generations").await
    }

    /// Treats a back-end otherwise than the configuration says.
    ///
    /// # Errors
    /// As [`Client::plan`].
    pub async fn say(&self, request: &OverrideRequest) -> Result<OverrideAnswer, Error> {
        self.post("/v1/override", request).await
    }

    /// What kind of traffic there is.
    ///
    /// # Errors
    /// As [`Client::status`].
    pub async fn traffic(&self) -> Result<Traffic, Error> {
        self.get("/v1/traffic").await
    }

    /// What samples of the traffic show.
    ///
    /// # Errors
    /// As [`Client::status`].
    pub async fn samples(&self) -> Result<Samples, Error> {
        self.get("/v1/samples").await
    }

    /// How things went.
    ///
    /// # Errors
    /// As [`Client::status`], and when there is no such service, or no history is kept.
    pub async fn history(&self, request: &HistoryRequest) -> Result<History, Error> {
        self.ask("/v1/history", request).await
    }

    /// Everything, at one moment.
    ///
    /// # Errors
    /// As [`Client::status`].
    pub async fn snapshot(&self) -> Result<Snapshot, Error> {
        self.get("/v1/snapshot").await
    }

    /// Everything each second, until the agent ends or `each` has seen enough.
    ///
    /// # Errors
    /// As [`Client::status`], also in the midst.
    pub async fn live(&self, mut each: impl FnMut(Snapshot) -> bool) -> Result<(), Error> {
        self.lines("/v1/live", |line| {
            // The agent sends no other fields, and comments to say that it is still there.
            line.strip_prefix(b"data:").map_or(Ok(true), |data| serde_json::from_slice(data).map(&mut each))
        })
        .await
    }

    /// How the rings of ticket keys stand.
    ///
    /// # Errors
    /// As [`Client::status`].
    pub async fn tickets(&self) -> Result<Vec<RingStatus>, Error> {
        self.get("/v1/tickets").await
    }

    /// Shifts a ring of ticket keys before its time; says how it stands then.
    ///
    /// # Errors
    /// As [`Client::plan`].
    pub async fn rotate_tickets(&self, request: &RotateRequest) -> Result<RingStatus, Error> {
        self.post("/v1/tickets/rotate", request).await
    }

    /// Replaces all keys of a ring; says how it stands then.
    ///
    /// # Errors
    /// As [`Client::plan`].
    pub async fn revoke_tickets(&self, request: &RevokeRequest) -> Result<RingStatus, Error> {
        self.post("/v1/tickets/revoke", request).await
    }

    /// What happened lately, and what happens from now on, until the agent ends or `each` has seen enough.
    ///
    /// # Errors
    /// As [`Client::status`], also in the midst.
    pub async fn events(&self, each: impl FnMut(Event) -> bool) -> Result<(), Error> {
        self.json_lines("/v1/events", each).await
    }

    async fn json_lines<T: DeserializeOwned>(&self, path: &str, mut each: impl FnMut(T) -> bool) -> Result<(), Error> {
        self.lines(path, |line| serde_json::from_slice(line).map(&mut each)).await
    }

    /// Gives each line of the answer to `each`, as it comes, until that has had enough or there are no more.
    async fn lines(
        &self,
        path: &str,
        mut each: impl FnMut(&[u8]) -> Result<bool, serde_json::Error>,
    ) -> Result<(), Error> {
        let broken = |reason: String| self.unexpected(&Method::GET, path, reason);
        let mut body = self.send(Method::GET, path, Vec::new()).await?.into_body();
        let mut text = Vec::new();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| broken(format!("the agent hung up: {error}")))?;
            // A long line comes in many frames: there is no end in those of before.
            let mut searched = text.len();
            text.extend_from_slice(frame.data_ref().map_or(&[][..], |data| data));
            while let Some(end) = text[searched..].iter().position(|&byte| byte == b'\n') {
                let line: Vec<u8> = text.drain(..=searched + end).collect();
                searched = 0;
                if !each(&line).map_err(|error| broken(error.to_string()))? {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    async fn post<B: Serialize, T: DeserializeOwned>(&self, path: &str, body: &B) -> Result<T, Error> {
        let body = serde_json::to_vec(body).unwrap_or_default();
        let answer = self.request(Method::POST, path, body).await?;
        serde_json::from_slice(&answer).map_err(|error| self.unexpected(&Method::POST, path, error.to_string()))
    }

    async fn ask<T: DeserializeOwned>(&self, path: &str, query: &impl Serialize) -> Result<T, Error> {
        self.get(&self.with_query(path, query)?).await
    }

    fn with_query(&self, path: &str, query: &impl Serialize) -> Result<String, Error> {
        let query = serde_urlencoded::to_string(query)
            .map_err(|error| self.unexpected(&Method::GET, path, error.to_string()))?;
        Ok(format!("{path}?{query}"))
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Error> {
        let body = self.request(Method::GET, path, Vec::new()).await?;
        serde_json::from_slice(&body).map_err(|error| {
            self.unexpected(&Method::GET, path, format!("the agent is of another version than this command: {error}"))
        })
    }

    async fn request(&self, method: Method, path: &str, body: Vec<u8>) -> Result<Bytes, Error> {
        let response = self.send(method.clone(), path, body).await?;
        let broken = |error: hyper::Error| self.unexpected(&method, path, format!("the agent hung up: {error}"));
        Ok(response.into_body().collect().await.map_err(broken)?.to_bytes())
    }

    /// The answer, if it is a good one, before its body is there.
    async fn send(&self, method: Method, path: &str, body: Vec<u8>) -> Result<Response<Incoming>, Error> {
        match &self.agent {
            Agent::Local(socket) => {
                let stream = UnixStream::connect(socket).await.map_err(|source| match source.kind() {
                    io::ErrorKind::PermissionDenied => Error::Denied { path: socket.clone() },
                    _ => Error::Connect { path: socket.clone(), source },
                })?;
                self.converse(stream, method, path, body).await
            }
            Agent::Remote(remote) => self.converse(remote.connect().await?, method, path, body).await,
        }
    }

    async fn converse<S>(
        &self,
        stream: S,
        method: Method,
        path: &str,
        body: Vec<u8>,
    ) -> Result<Response<Incoming>, Error>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let broken = |error: hyper::Error| self.unexpected(&method, path, format!("the agent hung up: {error}"));
        let response = send(stream, method.clone(), path, body);
        let response = response.await.map_err(|reason| self.unexpected(&method, path, reason))?;
        let status = response.status();
        if status == StatusCode::OK {
            return Ok(response);
        }
        let body = response.into_body().collect().await.map_err(broken)?.to_bytes();
        let text = || String::from_utf8_lossy(&body).into_owned();
        match (status, serde_json::from_slice(&body)) {
            (StatusCode::FORBIDDEN, _) => {
                let request = format!("{method} {path}");
                Err(Error::Forbidden { at: self.agent.to_string(), request, reason: text() })
            }
            (_, Ok(refused)) => Err(Error::Refused(refused)),
            _ => Err(self.unexpected(&method, path, format!("{status}: {}", text()))),
        }
    }

    fn unexpected(&self, method: &Method, path: &str, reason: String) -> Error {
        Error::Answer { at: self.agent.to_string(), request: format!("{method} {path}"), reason }
    }
}
