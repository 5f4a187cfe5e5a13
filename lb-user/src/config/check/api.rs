//! `[api]`: the control API over TCP.

use super::Checker;
use crate::config::file;
use crate::config::model::Api;
use toml::Spanned;

impl Checker<'_> {
    /// `None` within `Some` when there is to be no listener.
    pub(super) fn api(&mut self, api: Option<&Spanned<file::Api>>) -> Option<Option<Api>> {
        let Some(place) = api else { return Some(None) };
        let api = place.get_ref();
        let listen = self.listen("api", "10.0.0.1:9443", &api.listen);
        let identity = self.tls_identity("api", place, [&api.certificate, &api.key, &api.client_ca]);
        for name in api.admins.iter().filter(|name| name.get_ref().is_empty()) {
            self.problems.add(name, "api: admins has an empty name: name a DNS name or URI of a certificate");
        }
        let admins = api.admins.iter().map(|name| name.get_ref().clone()).collect();
        Some(Some(Api { listen: listen?, identity: identity?, admins }))
    }
}
