use rustls::ClientConfig;
use rustls::client::Resumption;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

/// Sessions that are kept for each name of a server. There is one name, the VIP.
const NAMES: usize = 1;

/// What clients remember of their sessions.
#[derive(Debug)]
pub struct Memory {
    tls: Arc<ClientConfig>,
    /// The configuration of each client, which its sessions are part of; `None` when nobody remembers any.
    clients: Option<BTreeMap<Ipv4Addr, Arc<ClientConfig>>>,
}

impl Memory {
    /// Nobody remembers anything: `tls` is that of all clients.
    pub fn none(tls: Arc<ClientConfig>) -> Self {
        Self { tls, clients: None }
    }

    /// Each client remembers its sessions, and nobody else's; apart from that, their TLS is `tls`.
    pub fn of_each_client(tls: Arc<ClientConfig>) -> Self {
        Self { tls, clients: Some(BTreeMap::new()) }
    }

    /// The TLS of `client`.
    pub(super) fn of(&mut self, client: Ipv4Addr) -> Arc<ClientConfig> {
        let Some(clients) = &mut self.clients else { return self.tls.clone() };
        let remembering = || {
            let mut tls = ClientConfig::clone(&self.tls);
            tls.resumption = Resumption::in_memory_sessions(NAMES);
            Arc::new(tls)
        };
        clients.entry(client).or_insert_with(remembering).clone()
    }
}
