use super::types::{
    BackendStatus, Explanation, FlowFilter, FlowList, Question, ServiceStatus, Status, Stop, TopBy, TopFlows,
    TraceLine, TraceQuestion, VerdictCounter,
};
use super::{Error, Refusal, traffic};
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use tokio::net::UnixListener;
use tokio::sync::{mpsc, oneshot};

/// A question to the agent, with the way back for the answer.
#[derive(Debug)]
pub enum Query {
    /// How is the agent?
    Status(oneshot::Sender<Status>),
    /// What does it balance?
    Services(oneshot::Sender<Result<Vec<ServiceStatus>, String>>),
    /// Who answers?
    Backends(oneshot::Sender<Result<Vec<BackendStatus>, String>>),
    /// What became of the packets?
    Counters(oneshot::Sender<Result<Vec<VerdictCounter>, String>>),
    /// Which flows are remembered?
    Flows(FlowFilter, oneshot::Sender<Result<FlowList, Refusal>>),
    /// Who has most of them?
    TopFlows(TopBy, FlowFilter, oneshot::Sender<Result<TopFlows, Refusal>>),
    /// Where would a packet go, and why?
    Explain(Question, oneshot::Sender<Result<Explanation, Refusal>>),
    /// What becomes of packets as they come?
    Trace(TraceQuestion, oneshot::Sender<Result<mpsc::Receiver<TraceLine>, Refusal>>),
    /// The agent is to end.
    Stop(Stop, oneshot::Sender<()>),
}

/// The control socket, bound.
pub struct Server {
    listener: UnixListener,
    file: SocketFile,
}

/// The socket in the file system, which goes with the server.
struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        // It may have been removed by hand.
        let _ = fs::remove_file(&self.0);
    }
}

impl Server {
    /// Listens at `path`, for the owner and the group of the socket only. A socket that nobody answers at was left by an agent that is
    /// gone, and is replaced.
    ///
    /// # Errors
    /// When an agent answers there, something else than a socket is there, or the socket cannot be made.
    pub fn bind(path: &Path) -> Result<Self, Error> {
        let failed = |source| Error::Bind { path: path.to_owned(), source };
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        match UnixStream::connect(path) {
            Ok(_) => return Err(Error::Taken { path: path.to_owned() }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(_) if !fs::metadata(path).is_ok_and(|found| found.file_type().is_socket()) => {
                return Err(Error::NotSocket { path: path.to_owned() });
            }
            Err(_) => fs::remove_file(path).map_err(failed)?,
        }
        let listener = UnixListener::bind(path).map_err(failed)?;
        let file = SocketFile(path.to_owned());
        fs::set_permissions(path, Permissions::from_mode(0o660)).map_err(failed)?;
        Ok(Self { listener, file })
    }

    /// Passes requests to the agent until `end` is there, then removes the socket.
    pub async fn serve(self, agent: mpsc::Sender<Query>, end: oneshot::Receiver<()>) {
        let routes = Router::new()
            .route("/v1/status", get(status))
            .route("/v1/services", get(services))
            .route("/v1/backends", get(backends))
            .route("/v1/counters", get(counters))
            .route("/v1/stop", post(stop))
            .merge(traffic::routes())
            .with_state(agent);
        let ended = async {
            // The sender is dropped, not used.
            let _ = end.await;
        };
        if let Err(error) = axum::serve(self.listener, routes).with_graceful_shutdown(ended).await {
            tracing::error!(%error, "the control socket is closed");
        }
        drop(self.file);
    }
}

pub(super) type Agent = State<mpsc::Sender<Query>>;
pub(super) type Failure = (StatusCode, String);

async fn status(State(agent): Agent) -> Result<Json<Status>, Failure> {
    Ok(Json(ask(&agent, Query::Status).await?))
}

async fn services(State(agent): Agent) -> Result<Json<Vec<ServiceStatus>>, Failure> {
    ask(&agent, Query::Services).await?.map(Json).map_err(internal)
}

async fn backends(State(agent): Agent) -> Result<Json<Vec<BackendStatus>>, Failure> {
    ask(&agent, Query::Backends).await?.map(Json).map_err(internal)
}

async fn counters(State(agent): Agent) -> Result<Json<Vec<VerdictCounter>>, Failure> {
    ask(&agent, Query::Counters).await?.map(Json).map_err(internal)
}

async fn stop(State(agent): Agent, Json(stop): Json<Stop>) -> Result<(), Failure> {
    ask(&agent, |done| Query::Stop(stop, done)).await
}

pub(super) async fn ask<T>(
    agent: &mpsc::Sender<Query>,
    query: impl FnOnce(oneshot::Sender<T>) -> Query,
) -> Result<T, Failure> {
    let gone = || (StatusCode::SERVICE_UNAVAILABLE, "the agent is ending".to_owned());
    let (sender, answer) = oneshot::channel();
    agent.send(query(sender)).await.map_err(|_| gone())?;
    answer.await.map_err(|_| gone())
}

fn internal(reason: String) -> Failure {
    (StatusCode::INTERNAL_SERVER_ERROR, reason)
}
