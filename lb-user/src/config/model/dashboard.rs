use super::TlsIdentity;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::PathBuf;

/// The web page that shows the traffic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dashboard {
    /// Where the agent listens; beyond loopback only with an identity.
    pub listen: SocketAddr,
    /// What it shows to browsers, and by whom their certificates are signed, if they have any. Without it there is no TLS.
    pub identity: Option<TlsIdentity>,
    /// Browsers that may do everything: DNS names and URIs of their certificates. Others with a certificate may look.
    pub admins: BTreeSet<String>,
    /// The file with the login token. It is made if there is none.
    pub token_file: PathBuf,
}

impl Dashboard {
    /// Where the agent listens, unless the table says otherwise.
    pub const DEFAULT_LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 9_680);
    /// The token's file in the state folder, unless the table names another.
    pub const DEFAULT_TOKEN_FILE: &str = "dashboard-token";
}
