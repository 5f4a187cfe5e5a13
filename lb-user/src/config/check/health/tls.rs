use crate::config::check::{Checker, READABLE};
use crate::config::file;
use crate::config::model::{Tls, Trust};
use hyper::http::uri::Authority;
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use toml::Spanned;

impl Checker<'_> {
    /// How certificates are checked; `host` is whose they are unless a key says otherwise.
    pub(super) fn tls(&mut self, about: &str, health: &file::Health, host: Option<&Authority>) -> Option<Tls> {
        let is_insecure = health.insecure.as_ref().is_some_and(|insecure| *insecure.get_ref());
        let trust = match &health.ca_file {
            Some(name) if is_insecure => {
                let message = format!("{about}: ca-file has no meaning with insecure = true: remove one of them");
                self.problems.reject(name, message)
            }
            Some(name) => self.authorities(&format!("{about}: ca-file"), name),
            None if is_insecure => Some(Trust::Anybody),
            None => Some(Trust::System),
        };
        let name = match (&health.sni, host) {
            (Some(text), _) => self.sni(about, text).map(Some),
            // In an address of IPv6 there are brackets.
            (None, Some(host)) => Some(server_name(host.host().trim_matches(['[', ']']))),
            (None, None) => Some(None),
        };
        let (trust, name) = (trust?, name?);
        if name.is_none() && trust != Trust::Anybody {
            let message = format!(
                "{about}: sni is missing: name the host whose certificate back-ends show, as \"www.example.com\", or set \
                 insecure = true to verify nothing"
            );
            self.problems.add(&health.kind, message);
        }
        Some(Tls { name, trust })
    }

    /// Reports keys about certificates, which nobody shows.
    pub(super) fn without_tls(&mut self, about: &str, health: &file::Health) {
        let texts = [("sni", &health.sni), ("ca-file", &health.ca_file)];
        let places = texts.map(|(key, text)| (key, text.as_ref().map(|text| self.problems.place(text))));
        let insecure = health.insecure.as_ref().map(|flag| self.problems.place(flag));
        for (key, place) in places.into_iter().chain([("insecure", insecure)]) {
            if let Some(place) = place {
                let message = format!("{about}: {key} has no meaning without tls: set tls = true as well");
                self.problems.add_at(place, message);
            }
        }
    }

    fn sni(&mut self, about: &str, text: &Spanned<String>) -> Option<ServerName<'static>> {
        let name = server_name(text.get_ref());
        if name.is_none() {
            let message =
                format!("{about}: sni {:?} is not the name of a host, as \"www.example.com\"", text.get_ref());
            self.problems.add(text, message);
        }
        name
    }

    fn authorities(&mut self, key: &str, name: &Spanned<String>) -> Option<Trust> {
        let path = self.path(key, name, "/etc/handoff/ca.pem")?;
        let text = match self.files.text(&path) {
            Ok(text) => text,
            Err(error) => {
                return self.problems.reject(name, format!("{key} {path:?} cannot be read: {error}; {READABLE}"));
            }
        };
        match certificates(&text) {
            Ok(certificates) => Some(Trust::Authorities(path, certificates)),
            Err(reason) => {
                let message = format!("{key} {path:?} {reason}: give the certificates of authorities in PEM");
                self.problems.reject(name, message)
            }
        }
    }
}

fn server_name(text: &str) -> Option<ServerName<'static>> {
    ServerName::try_from(text.to_owned()).ok()
}

/// The certificates in a text, all of which can sign others.
fn certificates(text: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text.as_bytes()).collect();
    let certificates = certificates.map_err(|error| format!("is damaged ({error})"))?;
    if certificates.is_empty() {
        return Err("holds no certificate".to_owned());
    }
    let mut store = RootCertStore::empty();
    for certificate in &certificates {
        store.add(certificate.clone()).map_err(|error| format!("holds one that cannot be used ({error})"))?;
    }
    Ok(certificates)
}
