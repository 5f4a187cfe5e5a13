use crate::config::{self, BackendName, Probe, Tls, Trust};
use rustls::RootCertStore;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use tracing::warn;

/// The name of a target.
pub type TargetName = BackendName;

/// A back-end of a service, as probes see it.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) name: TargetName,
    /// How it is checked.
    pub(super) health: config::Health,
    /// The VIP of the service.
    pub(super) vip: IpAddr,
    /// Its own address, and the port that is asked.
    pub(super) address: SocketAddr,
    /// What the packets of its probes are marked with, if they go by way of the VIP.
    pub(super) mark: Option<u32>,
    /// Who may have signed its certificate; empty without any verification.
    pub(super) authorities: Arc<RootCertStore>,
}

impl Target {
    /// Whether probes of it and of `other` are the same. Authorities follow from the check.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        (&self.name, &self.health, self.vip, self.address, self.mark)
            == (&other.name, &other.health, other.vip, other.address, other.mark)
    }

    /// The VIP, and the port that is asked.
    pub(super) fn endpoint(&self) -> SocketAddr {
        SocketAddr::new(self.vip, self.address.port())
    }
}

/// Who may have signed the certificates of back-ends that are checked in this way.
pub(super) fn authorities(health: &config::Health) -> Arc<RootCertStore> {
    let mut store = RootCertStore::empty();
    match trust(&health.probe) {
        Some(Trust::System) => {
            store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            if store.is_empty() {
                warn!("this machine trusts no certificate authority: install ca-certificates, or set ca-file");
            }
        }
        Some(Trust::Authorities(_, certificates)) => {
            store.add_parsable_certificates(certificates.iter().cloned());
        }
        Some(Trust::Anybody) | None => {}
    }
    Arc::new(store)
}

fn trust(probe: &Probe) -> Option<&Trust> {
    match probe {
        Probe::Tls(Tls { trust, .. })
        | Probe::Http(_, Some(Tls { trust, .. }))
        | Probe::Grpc(_, Some(Tls { trust, .. })) => Some(trust),
        _ => None,
    }
}
