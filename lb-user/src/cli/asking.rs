use crate::config::DEFAULT_SOCKET;
use crate::control::{Client, Remote};
use clap::Args;
use hyper::Uri;
use std::path::PathBuf;

/// Options of the commands that ask the agent and print its answer.
#[derive(Args)]
pub(super) struct Asking {
    #[command(flatten)]
    agent: AgentAt,
    /// Print JSON instead of a table.
    #[arg(long)]
    pub(super) json: bool,
}

impl Asking {
    /// A client of the agent.
    pub(super) fn client(&self) -> Client {
        self.agent.client()
    }
}

/// Where the agent is.
#[derive(Args)]
pub(super) struct AgentAt {
    /// The agent's control socket.
    #[arg(long, value_name = "PATH", default_value = DEFAULT_SOCKET, env = "HANDOFF_SOCKET")]
    socket: PathBuf,
    #[command(flatten)]
    remote: RemoteAgent,
}

/// An agent that listens on TCP, as `[api]` in its configuration says. All of these belong together.
#[derive(Args)]
struct RemoteAgent {
    /// Ask the agent there, by TLS, instead of the one at the control socket.
    #[arg(long, value_name = "https://HOST:PORT", env = "HANDOFF_API", requires_all = ["cert", "key", "ca"])]
    api: Option<Uri>,
    /// Certificate to show it, in PEM.
    #[arg(long, value_name = "FILE", env = "HANDOFF_CERT", requires = "api")]
    cert: Option<PathBuf>,
    /// Key of that certificate, in PEM.
    #[arg(long, value_name = "FILE", env = "HANDOFF_KEY", requires = "api")]
    key: Option<PathBuf>,
    /// Who signs the agent's certificate, in PEM.
    #[arg(long, value_name = "FILE", env = "HANDOFF_CA", requires = "api")]
    ca: Option<PathBuf>,
}

impl AgentAt {
    /// A client of it.
    pub(super) fn client(&self) -> Client {
        let RemoteAgent { api, cert, key, ca } = &self.remote;
        match (api, cert, key, ca) {
            (Some(url), Some(certificate), Some(key), Some(ca)) => Client::remote(Remote {
                url: url.clone(),
                certificate: certificate.clone(),
                key: key.clone(),
                ca: ca.clone(),
            }),
            // The parser lets none of them through without the others.
            _ => Client::new(&self.socket),
        }
    }
}
