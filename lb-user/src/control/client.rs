use super::Error;
use super::types::{
    BackendStatus, Explanation, FlowFilter, FlowList, Question, ServiceStatus, Status, Stop, TopBy, TopFlows,
    TraceLine, TraceQuestion, VerdictCounter,
};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::{Method, Request, Response, StatusCode, header};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io;
use std::path::PathBuf;
use tokio::net::UnixStream;

/// The command line's end of the control socket. Every request has a connection of its own.
#[derive(Clone, Debug)]
pub struct Client {
    path: PathBuf,
}

impl Client {
    /// A client of the agent that listens at `path`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
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
    pub async fn explain(&self, question: &Question) -> Result<Explanation, Error> {
        self.ask("/v1/explain", question).await
    }

    /// What becomes of packets as they come. Gives each to `each`, until that has had enough or the trace ends.
    ///
    /// # Errors
    /// As [`Client::status`], and when somebody else is tracing.
    pub async fn trace(&self, question: &TraceQuestion, mut each: impl FnMut(&TraceLine) -> bool) -> Result<(), Error> {
        let path = self.with_query("/v1/trace", question)?;
        let broken = |reason: String| self.unexpected(&Method::GET, &path, reason);
        let mut answer = self.send(Method::GET, &path, Vec::new()).await?.into_body();
        let mut text = Vec::new();
        while let Some(frame) = answer.frame().await {
            let frame = frame.map_err(|error| broken(format!("the agent hung up: {error}")))?;
            text.extend_from_slice(frame.data_ref().map_or(&[][..], |data| data));
            while let Some(end) = text.iter().position(|&byte| byte == b'\n') {
                let line: Vec<u8> = text.drain(..=end).collect();
                let line = serde_json::from_slice(&line).map_err(|error| broken(error.to_string()))?;
                if !each(&line) {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Ends the agent, and with `purge` forwarding as well. Returns when it has understood; it ends right after.
    ///
    /// # Errors
    /// As [`Client::status`].
    pub async fn stop(&self, purge: bool) -> Result<(), Error> {
        let body = serde_json::to_vec(&Stop { purge }).unwrap_or_default();
        self.request(Method::POST, "/v1/stop", body).await.map(drop)
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
        let stream = UnixStream::connect(&self.path).await.map_err(|source| match source.kind() {
            io::ErrorKind::PermissionDenied => Error::Denied { path: self.path.clone() },
            _ => Error::Connect { path: self.path.clone(), source },
        })?;
        let broken = |error: hyper::Error| self.unexpected(&method, path, format!("the agent hung up: {error}"));
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
        // It ends with the answer, or with the error that the answer ends with.
        tokio::spawn(connection);
        let request = Request::builder()
            .method(method.clone())
            .uri(path)
            .header(header::HOST, "handoff")
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(body)))
            .map_err(|error| self.unexpected(&method, path, error.to_string()))?;
        let response = sender.send_request(request).await.map_err(broken)?;
        let status = response.status();
        if status == StatusCode::OK {
            return Ok(response);
        }
        let body = response.into_body().collect().await.map_err(broken)?.to_bytes();
        Err(self.unexpected(&method, path, format!("{status}: {}", String::from_utf8_lossy(&body))))
    }

    fn unexpected(&self, method: &Method, path: &str, reason: String) -> Error {
        Error::Answer { path: self.path.clone(), request: format!("{method} {path}"), reason }
    }
}
