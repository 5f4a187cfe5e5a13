use super::Refused;
use std::io;
use std::path::PathBuf;

/// What can go wrong with the control socket.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The agent cannot listen there.
    #[error("{}: cannot listen on the control socket: {source}; set agent: control-socket to a path that the agent may write", path.display())]
    Bind {
        /// The socket.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Another agent listens there.
    #[error("{}: another agent answers at this control socket: give this one another agent: control-socket and pin-folder", path.display())]
    Taken {
        /// The socket.
        path: PathBuf,
    },
    /// There is a file that is no socket.
    #[error("{}: there is something else than a socket: set agent: control-socket to a path of its own", path.display())]
    NotSocket {
        /// The path.
        path: PathBuf,
    },
    /// Nobody answers there.
    #[error("{}: no agent answers: {source}; start one with `handoff run --config FILE`, or name its socket with --socket", path.display())]
    Connect {
        /// The socket.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The caller may not use the socket.
    #[error("{}: you may not talk to the agent: run the command as root or as a member of the socket's group", path.display())]
    Denied {
        /// The socket.
        path: PathBuf,
    },
    /// The agent does not do what it was asked for.
    #[error("{}", .0.message)]
    Refused(Refused),
    /// The agent answered something else than it should.
    #[error("{}: {request}: {reason}", path.display())]
    Answer {
        /// The socket.
        path: PathBuf,
        /// Method and path of the request.
        request: String,
        /// What came instead.
        reason: String,
    },
}
