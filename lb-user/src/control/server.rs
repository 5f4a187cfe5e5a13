use super::Error;
use super::connection::{bounded, converse};
use super::listener::Listener;
use super::role::Role;
use super::types::{BackendStatus, ServiceStatus, Status, Stop, VerdictCounter};
use crate::config::Api;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use std::fs::{self, Permissions};
use std::future;
use std::io;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::UnixListener;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::{sleep, timeout};
use tracing::debug;

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
    /// The agent is to end.
    Stop(Stop, oneshot::Sender<()>),
}

/// Clients of the control socket that are served at once: others wait.
const MAX_CLIENTS: usize = 64;

/// How long answers may take when the agent ends.
const GRACE: Duration = Duration::from_millis(500);

/// The control socket, and the listener for TCP if there is one, bound.
pub struct Server {
    listener: UnixListener,
    file: SocketFile,
    remote: Option<Listener>,
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
    /// Listens at `path`, for the owner and the group of the socket only, and for `api` on TCP. A socket that nobody answers at was left
    /// by an agent that is gone, and is replaced.
    ///
    /// # Errors
    /// When an agent answers there, something else than a socket is there, or a socket cannot be made.
    pub fn bind(path: &Path, api: Option<&Api>) -> Result<Self, Error> {
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
        let remote = api.map(Listener::bind).transpose()?;
        Ok(Self { listener, file, remote })
    }

    /// Passes requests to the agent until `end` is there, then removes the socket.
    pub async fn serve(self, agent: mpsc::Sender<Query>, end: oneshot::Receiver<()>) {
        let routes = Router::new()
            .route("/v1/status", get(status))
            .route("/v1/services", get(services))
            .route("/v1/backends", get(backends))
            .route("/v1/counters", get(counters))
            .route("/v1/stop", post(stop))
            .with_state(agent);
        let routes = bounded(routes);
        let ending = GracefulShutdown::new();
        let remote = async {
            match self.remote {
                Some(remote) => remote.serve(routes.clone(), || ending.watcher()).await,
                None => future::pending().await,
            }
        };
        tokio::select! {
            () = accept(&self.listener, Role::Admin.guard(routes.clone()), || ending.watcher()) => {}
            () = remote => {}
            // The sender is dropped, not used.
            _ = end => {}
        }
        drop(self.listener);
        // Those who asked get their answers, if they are quick.
        let _ = timeout(GRACE, ending.shutdown()).await;
        drop(self.file);
    }
}

/// Serves the routes to whoever may open the control socket.
async fn accept(listener: &UnixListener, routes: Router, watch: impl Fn() -> Watcher) {
    let clients = Arc::new(Semaphore::new(MAX_CLIENTS));
    loop {
        // Nobody closes the semaphore.
        let client = clients.clone().acquire_owned().await;
        match listener.accept().await {
            Ok((stream, _)) => {
                let conversation = converse(stream, routes.clone(), watch());
                tokio::spawn(async {
                    conversation.await;
                    drop(client);
                });
            }
            Err(error) => {
                debug!(%error, "a connection could not be accepted");
                // If the process has too many files open, trying again at once would keep it from closing any.
                sleep(Duration::from_millis(10)).await;
            }
        }
    }
}

type Agent = State<mpsc::Sender<Query>>;
type Failure = (StatusCode, String);

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

async fn ask<T>(agent: &mpsc::Sender<Query>, query: impl FnOnce(oneshot::Sender<T>) -> Query) -> Result<T, Failure> {
    let gone = || (StatusCode::SERVICE_UNAVAILABLE, "the agent is ending".to_owned());
    let (sender, answer) = oneshot::channel();
    agent.send(query(sender)).await.map_err(|_| gone())?;
    answer.await.map_err(|_| gone())
}

fn internal(reason: String) -> Failure {
    (StatusCode::INTERNAL_SERVER_ERROR, reason)
}
