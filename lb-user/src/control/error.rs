use super::Refused;
use std::io;
use std::net::SocketAddr;
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
    /// The agent cannot listen on TCP.
    #[error("{about}: listen {address}: {source}; use a free port of an address of this machine")]
    Listen {
        /// The table of the configuration that asks for it.
        about: &'static str,
        /// Where it should.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The agent cannot speak TLS.
    #[error("api: {0}")]
    Tls(String),
    /// No agent answers on TCP, or none that can be believed.
    #[error("{url}: {reason}; look at --api, --cert, --key and --ca, and at `[api]` in the agent's configuration")]
    Remote {
        /// Where it should be.
        url: String,
        /// Why.
        reason: String,
    },
    /// A certificate or a key of the client cannot be had.
    #[error("{}: cannot read the PEM file: {reason}", path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The agent lets the client only look.
    #[error("{at}: {request}: {reason}")]
    Forbidden {
        /// The agent.
        at: String,
        /// Method and path of the request.
        request: String,
        /// What it says.
        reason: String,
    },
    /// The agent answered something else than it should.
    #[error("{at}: {request}: {reason}")]
    Answer {
        /// The agent.
        at: String,
        /// Method and path of the request.
        request: String,
        /// What came instead.
        reason: String,
    },
}
