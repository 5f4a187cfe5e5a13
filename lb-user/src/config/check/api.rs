//! `[api]`: the control API over TCP.

use super::{Checker, READABLE};
use crate::config::file;
use crate::config::model::Api;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::net::SocketAddr;
use std::sync::Arc;
use toml::Spanned;

impl Checker<'_> {
    /// `None` within `Some` when there is to be no listener.
    pub(super) fn api(&mut self, api: Option<&Spanned<file::Api>>) -> Option<Option<Api>> {
        let Some(place) = api else { return Some(None) };
        let api = place.get_ref();
        let listen = self.listen(&api.listen);
        let certificates = self.certificates("api: certificate", &api.certificate);
        let key = self.private_key("api: key", &api.key);
        let client_ca = self.certificates("api: client-ca", &api.client_ca);
        for name in api.admins.iter().filter(|name| name.get_ref().is_empty()) {
            self.problems.add(name, "api: admins has an empty name: name a DNS name or URI of a certificate");
        }
        let admins = api.admins.iter().map(|name| name.get_ref().clone()).collect();
        let api = Api { listen: listen?, certificates: certificates?, key: key?, client_ca: client_ca?, admins };
        match api.tls() {
            Ok(_) => Some(Some(api)),
            Err(reason) => self.problems.reject(place, format!("api: {reason}: give the files of one certificate")),
        }
    }

    fn listen(&mut self, text: &Spanned<String>) -> Option<SocketAddr> {
        let parsed: Option<SocketAddr> = text.get_ref().parse().ok();
        match parsed.filter(|address| address.port() != 0) {
            Some(address) => Some(address),
            None => {
                let message = format!(
                    "api: listen {:?} is not an address with a port, as 10.0.0.1:9443 or [2001:db8::1]:9443",
                    text.get_ref()
                );
                self.problems.reject(text, message)
            }
        }
    }

    /// The certificates of a PEM file, of which there must be one.
    fn certificates(&mut self, key: &str, name: &Spanned<String>) -> Option<Vec<CertificateDer<'static>>> {
        let path = self.path(key, name, "/etc/handoff/api.pem")?;
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
    fn private_key(&mut self, key: &str, name: &Spanned<String>) -> Option<Arc<PrivateKeyDer<'static>>> {
        let (path, text) = self.secret(key, name, "/etc/handoff/api.key")?;
        match PrivateKeyDer::from_pem_slice(text.as_bytes()) {
            Ok(found) => Some(Arc::new(found)),
            Err(_) => self.problems.reject(name, format!("{key} {path:?} has no private key in PEM, or a damaged one")),
        }
    }
}
