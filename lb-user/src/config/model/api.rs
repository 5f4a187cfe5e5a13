use super::TlsIdentity;
use std::collections::BTreeSet;
use std::net::SocketAddr;

/// The control API over TCP, for clients with a certificate. On the control socket there is the same without TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Api {
    /// Where the agent listens.
    pub listen: SocketAddr,
    /// What it shows to clients and asks of them.
    pub identity: TlsIdentity,
    /// Clients that may change something: DNS names and URIs of their certificates. All others may only look.
    pub admins: BTreeSet<String>,
}
