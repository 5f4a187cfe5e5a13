//! Listeners with certificates on both sides.

use super::{Checker, READABLE};
use crate::config::model::TlsIdentity;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::net::SocketAddr;
use std::sync::Arc;
use toml::Spanned;

impl Checker<'_> {
    /// What the table `about` at `place` says of certificate, key and client-ca.
    pub(super) fn tls_identity<T>(
        &mut self,
        about: &str,
        place: &Spanned<T>,
        [certificate, key, client_ca]: [&Spanned<String>; 3],
    ) -> Option<TlsIdentity> {
        let certificates = self.certificates(&format!("{about}: certificate"), certificate);
        let key = self.private_key(&format!("{about}: key"), key);
        let client_ca = self.certificates(&format!("{about}: client-ca"), client_ca);
        let identity = TlsIdentity { certificates: certificates?, key: key?, client_ca: client_ca? };
        match identity.tls() {
            Ok(_) => Some(identity),
            Err(reason) => self.problems.reject(place, format!("{about}: {reason}: give the files of one certificate")),
        }
    }

    pub(super) fn listen(&mut self, about: &str, example: &str, text: &Spanned<String>) -> Option<SocketAddr> {
        let parsed: Option<SocketAddr> = text.get_ref().parse().ok();
        match parsed.filter(|address| address.port() != 0) {
            Some(address) => Some(address),
            None => {
                let message = format!(
                    "{about}: listen {:?} is not an address with a port, as {example} or [2001:db8::1]:9443",
                    text.get_ref()
                );
                self.problems.reject(text, message)
            }
        }
    }

    /// The certificates of a PEM file, of which there must be one.
    pub(crate) fn certificates(&mut self, key: &str, name: &Spanned<String>) -> Option<Vec<CertificateDer<'static>>> {
        let path = self.path(key, name, "/etc/handoff/agent.pem")?;
        let text = match self.files.text(&path) {
            Ok(text) => text,
            Err(error) => {
                return self.problems.reject(name, format!("{key} {path:?} cannot be read: {error}; {READABLE}"));
            }
        };
        let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text.as_bytes()).collect();
        match found {
            Ok(found) if !found.is_empty() => Some(found),
            _ => self.problems.reject(name, format!("{key} {path:?} has no certificates in PEM, or damaged ones")),
        }
    }

    /// The private key of a PEM file. No message shows anything of its content.
    pub(crate) fn private_key(&mut self, key: &str, name: &Spanned<String>) -> Option<Arc<PrivateKeyDer<'static>>> {
        let (path, text) = self.secret(key, name, "/etc/handoff/agent.key")?;
        match PrivateKeyDer::from_pem_slice(text.as_bytes()) {
            Ok(found) => Some(Arc::new(found)),
            Err(_) => self.problems.reject(name, format!("{key} {path:?} has no private key in PEM, or a damaged one")),
        }
    }
}
