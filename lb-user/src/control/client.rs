use super::types::{BackendStatus, ServiceStatus, Status, Stop, VerdictCounter};
use super::{Error, Remote};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::{Method, Request, StatusCode, header};
use hyper_util::rt::TokioIo;
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

    /// Ends the agent, and with `purge` forwarding as well. Returns when it has understood; it ends right after.
    ///
    /// # Errors
    /// As [`Client::status`].
    pub async fn stop(&self, purge: bool) -> Result<(), Error> {
        let body = serde_json::to_vec(&Stop { purge }).unwrap_or_default();
        self.request(Method::POST, "/v1/stop", body).await.map(drop)
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Error> {
        let body = self.request(Method::GET, path, Vec::new()).await?;
        serde_json::from_slice(&body).map_err(|error| {
            self.unexpected(&Method::GET, path, format!("the agent is of another version than this command: {error}"))
        })
    }

    async fn request(&self, method: Method, path: &str, body: Vec<u8>) -> Result<Bytes, Error> {
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

    async fn converse<S>(&self, stream: S, method: Method, path: &str, body: Vec<u8>) -> Result<Bytes, Error>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
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
        let text = || String::from_utf8_lossy(&body).into_owned();
        match status {
            StatusCode::OK => Ok(body),
            StatusCode::FORBIDDEN => {
                let request = format!("{method} {path}");
                Err(Error::Forbidden { at: self.agent.to_string(), request, reason: text() })
            }
            _ => Err(self.unexpected(&method, path, format!("{status}: {}", text()))),
        }
    }

    fn unexpected(&self, method: &Method, path: &str, reason: String) -> Error {
        Error::Answer { at: self.agent.to_string(), request: format!("{method} {path}"), reason }
    }
}
