use super::connection::{MAX_BODY, accept, bounded};
use super::listener::Listener;
use super::role::Role;
use super::routes::routes;
use super::{Error, Query};
use crate::config::Api;
use hyper_util::server::graceful::GracefulShutdown;
use std::fs::{self, Permissions};
use std::future;
use std::io;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::net::UnixListener;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

/// Clients of the control socket that are served at once: others wait.
const MAX_CLIENTS: usize = 64;
/// Clients with a certificate that are served at once: others wait.
const MAX_REMOTE_CLIENTS: usize = 64;

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
        let remote = api.map(listen).transpose()?;
        Ok(Self { listener, file, remote })
    }

    /// Passes requests to the agent until `end` is there, then removes the socket.
    pub async fn serve(self, agent: mpsc::Sender<Query>, end: oneshot::Receiver<()>) {
        let routes = bounded(routes(agent), MAX_BODY);
        let ending = GracefulShutdown::new();
        let remote = async {
            match self.remote {
                Some(remote) => remote.serve(routes.clone(), || ending.watcher()).await,
                None => future::pending().await,
            }
        };
        tokio::select! {
            () = accept(self.listener, MAX_CLIENTS, Role::Admin.guard(routes.clone()), || ending.watcher()) => {}
            () = remote => {}
            // The sender is dropped, not used.
            _ = end => {}
        }
        // Those who asked get their answers, if they are quick.
        let _ = timeout(GRACE, ending.shutdown()).await;
        drop(self.file);
    }
}

/// The listener for TCP, which lets clients do what their role allows.
fn listen(api: &Api) -> Result<Listener, Error> {
    let tls = api.identity.tls().map_err(Error::Tls)?;
    let admins = api.admins.clone();
    Listener::bind("api", api.listen, tls, MAX_REMOTE_CLIENTS, move |certificate, routes| {
        Some(Role::of(certificate?, &admins).guard(routes))
    })
}
