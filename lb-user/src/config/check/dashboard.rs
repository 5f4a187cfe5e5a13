//! `[dashboard]`: the web page.

use super::Checker;
use crate::config::file;
use crate::config::model::{Dashboard, TlsIdentity};
use std::path::Path;
use toml::Spanned;

impl Checker<'_> {
    /// `None` within `Some` when there is to be no dashboard.
    pub(super) fn dashboard(
        &mut self,
        dashboard: Option<&Spanned<file::Dashboard>>,
        state_folder: Option<&Path>,
    ) -> Option<Option<Dashboard>> {
        let Some(place) = dashboard else { return Some(None) };
        let table = place.get_ref();
        let listen = match &table.listen {
            Some(text) => self.listen("dashboard", "127.0.0.1:9680", text),
            None => Some(Dashboard::DEFAULT_LISTEN),
        };
        let identity = self.dashboard_identity(place);
        let token_file = match &table.token_file {
            Some(text) => self.path("dashboard: token-file", text, "/etc/handoff/dashboard-token"),
            None => state_folder.map(|folder| folder.join(Dashboard::DEFAULT_TOKEN_FILE)),
        };
        let (listen, identity) = (listen?, identity?);
        if let Some(text) = table.listen.as_ref().filter(|_| !listen.ip().is_loopback() && identity.is_none()) {
            let message = format!(
                "dashboard: listen {listen} is not of this machine alone: give certificate and key, so that nobody on the way reads the token, or listen on 127.0.0.1 and come through `ssh -L {port}:127.0.0.1:{port}`",
                port = listen.port()
            );
            self.problems.add(text, message);
        }
        for name in table.admins.iter().filter(|name| name.get_ref().is_empty()) {
            self.problems.add(name, "dashboard: admins has an empty name: name a DNS name or URI of a certificate");
        }
        if let Some(name) = table.admins.first().filter(|_| table.client_ca.is_none()) {
            self.problems.add(name, "dashboard: admins have certificates: say in client-ca who signs them");
        }
        let admins = table.admins.iter().map(|name| name.get_ref().clone()).collect();
        Some(Some(Dashboard { listen, identity, admins, token_file: token_file? }))
    }

    /// What the table says of TLS, if it does.
    fn dashboard_identity(&mut self, place: &Spanned<file::Dashboard>) -> Option<Option<TlsIdentity>> {
        let table = place.get_ref();
        let (certificate, key) = match (&table.certificate, &table.key) {
            (Some(certificate), Some(key)) => (certificate, key),
            (None, None) if table.client_ca.is_none() => return Some(None),
            _ => {
                let message = "dashboard: certificate and key belong together, and client-ca needs both: give them";
                return self.problems.reject(place, message);
            }
        };
        let certificates = self.certificates("dashboard: certificate", certificate);
        let key = self.private_key("dashboard: key", key);
        let client_ca = match &table.client_ca {
            Some(client_ca) => self.certificates("dashboard: client-ca", client_ca),
            None => Some(Vec::new()),
        };
        let identity = TlsIdentity { certificates: certificates?, key: key?, client_ca: client_ca? };
        match identity.tls_for_anybody() {
            Ok(_) => Some(Some(identity)),
            Err(reason) => {
                self.problems.reject(place, format!("dashboard: {reason}: give the files of one certificate"))
            }
        }
    }
}
