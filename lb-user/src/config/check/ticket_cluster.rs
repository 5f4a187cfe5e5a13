//! `[tickets.cluster]`: other agents that serve the same rings.

use super::Checker;
use crate::config::file;
use crate::config::model::TicketCluster;
use crate::tickets::keeper::cluster::{PeerKey, Settings};
use hyper::Uri;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;
use toml::Spanned;

impl Checker<'_> {
    pub(super) fn ticket_cluster(&mut self, cluster: &file::TicketCluster) -> Option<TicketCluster> {
        let name = self.name("tickets: cluster: name", &cluster.name);
        let etcd = self.etcd(&cluster.etcd);
        let seal_key = self.path("tickets: cluster: seal-key", &cluster.seal_key, "/etc/handoff/tickets/seal.key");
        let peers = self.peers(&cluster.peers);
        let prefix = self.path_or(Settings::DEFAULT_PREFIX, "tickets: cluster: prefix", cluster.prefix.as_ref());
        let ttl = self.ttl(cluster.ttl.as_ref());
        let ca = self.etcd_file("ca", cluster.ca.as_ref());
        let certificate = self.etcd_file("certificate", cluster.certificate.as_ref());
        let key = self.etcd_file("key", cluster.key.as_ref());
        if let (Some(lonely), None) | (None, Some(lonely)) = (&cluster.certificate, &cluster.key) {
            let message = "tickets: cluster: certificate and key belong together: name both files, or none";
            self.problems.add(lonely, message);
        }
        if let (Some(certificate), None) = (&cluster.certificate, &cluster.ca) {
            let message = "tickets: cluster: certificate is shown to an etcd with TLS alone: name who signed its certificate as ca";
            self.problems.add(certificate, message);
        }
        Some(TicketCluster {
            name: name?,
            etcd: etcd?,
            seal_key: seal_key?,
            peers: peers?,
            prefix: prefix?.to_string_lossy().trim_end_matches('/').to_owned(),
            ttl: ttl?,
            ca: ca?,
            identity: certificate?.zip(key?),
        })
    }

    fn etcd_file(&mut self, key: &str, text: Option<&Spanned<String>>) -> Option<Option<PathBuf>> {
        let Some(text) = text else { return Some(None) };
        self.path(&format!("tickets: cluster: {key}"), text, "/etc/handoff/etcd.pem").map(Some)
    }

    fn etcd(&mut self, urls: &Spanned<Vec<Spanned<String>>>) -> Option<Vec<String>> {
        const EXAMPLE: &str = "http://10.0.0.9:2379";
        if urls.get_ref().is_empty() {
            let message = format!("tickets: cluster: etcd is empty: give the URL of an etcd, as {EXAMPLE}");
            return self.problems.reject(urls, message);
        }
        for text in urls.get_ref() {
            let url: Option<Uri> = text.get_ref().parse().ok();
            let is_fine = |url: Uri| matches!(url.scheme_str(), Some("http" | "https")) && url.port_u16().is_some();
            if !url.is_some_and(is_fine) {
                let message =
                    format!("tickets: cluster: etcd {:?} is no URL with a port, as {EXAMPLE}", text.get_ref());
                self.problems.add(text, message);
            }
        }
        Some(urls.get_ref().iter().map(|url| url.get_ref().clone()).collect())
    }

    fn peers(
        &mut self,
        peers: &Spanned<BTreeMap<Spanned<String>, Spanned<String>>>,
    ) -> Option<BTreeMap<String, PeerKey>> {
        if peers.get_ref().is_empty() {
            let message = "tickets: cluster: peers is empty: name the other agents, each with what `handoff tickets seal-key` printed there";
            return self.problems.reject(peers, message);
        }
        let checked: Vec<_> = peers.get_ref().iter().map(|(name, key)| self.peer(name, key)).collect();
        checked.into_iter().collect()
    }

    fn peer(&mut self, name: &Spanned<String>, key: &Spanned<String>) -> Option<(String, PeerKey)> {
        let checked = self.name("tickets: cluster: peers", name);
        match key.get_ref().parse() {
            Ok(key) => Some((checked?, key)),
            Err(reason) => {
                let message = format!("tickets: cluster: peers: what {:?} has is {reason}", name.get_ref());
                self.problems.reject(key, message)
            }
        }
    }

    fn ttl(&mut self, text: Option<&Spanned<String>>) -> Option<Duration> {
        let Some(text) = text else { return Some(Settings::DEFAULT_TTL) };
        let ttl = self.duration("tickets: cluster: ttl", text, Settings::SHORTEST_TTL)?;
        if ttl.subsec_nanos() != 0 {
            return self
                .problems
                .reject(text, "tickets: cluster: ttl is not in whole seconds: etcd knows no others, use 10s or so");
        }
        Some(ttl)
    }
}
