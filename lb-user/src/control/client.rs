use super::Error;
use super::types::{
    BackendStatus, Explanation, FlowFilter, FlowList, Question, ServiceStatus, Status, Stop, TopBy, TopFlows,
    VerdictCounter,
};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::{Method, Request, StatusCode, header};
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

    /// Ends the agent, and with `purge` forwarding as well. Returns when it has understood; it ends right after.
    ///
    /// # Errors
    /// As [`Client::status`].
    pub async fn stop(&self, purge: bool) -> Result<(), Error> {
        let body = serde_json::to_vec(&Stop { purge }).unwrap_or_default();
        self.request(Method::POST, "/v1/stop", body).await.map(drop)
    }

    async fn ask<T: DeserializeOwned>(&self, path: &str, query: &impl Serialize) -> Result<T, Error> {
        let query = serde_urlencoded::to_string(query)
            .map_err(|error| self.unexpected(&Method::GET, path, error.to_string()))?;
        self.get(&format!("{path}?{query}")).await
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Error> {
        let body = self.request(Method::GET, path, Vec::new()).await?;
        serde_json::from_slice(&body).map_err(|error| {
            self.unexpected(&Method::GET, path, format!("the agent is of another version than this command: {error}"))
        })
    }

    async fn request(&self, method: Method, path: &str, body: Vec<u8>) -> Result<Bytes, Error> {
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
        let body = response.into_body().collect().await.map_err(broken)?.to_bytes();
        if status == StatusCode::OK {
            return Ok(body);
        }
        Err(self.unexpected(&method, path, format!("{status}: {}", String::from_utf8_lossy(&body))))
    }

    fn unexpected(&self, method: &Method, path: &str, reason: String) -> Error {
        Error::Answer { path: self.path.clone(), request: format!("{method} {path}"), reason }
    }
}
