//! `[tickets]`: session-ticket keys that back-ends share.

use super::Checker;
use crate::config::file;
use crate::config::model::{Ports, Protocol, ServerKind, Service, TicketRing, Tickets};
use crate::config::problems::Seen;
use crate::tickets::{InvalidTiming, RingName, Timing};
use rustls::pki_types::DnsName;
use std::time::Duration;
use toml::Spanned;

impl Checker<'_> {
    /// `services` are those of the configuration, as far as they are right. `None` within `Some` when no keys are shared.
    pub(super) fn tickets(
        &mut self,
        tickets: Option<&Spanned<file::Tickets>>,
        services: Option<&[Service]>,
    ) -> Option<Option<Tickets>> {
        let Some(place) = tickets else { return Some(None) };
        let tickets = place.get_ref();
        let listen = self.listen("tickets", "10.0.0.1:9444", &tickets.listen);
        let identity = self.tls_identity("tickets", place, [&tickets.certificate, &tickets.key, &tickets.client_ca]);
        let folder = self.path_or(Tickets::DEFAULT_FOLDER, "tickets: folder", tickets.folder.as_ref());
        let revoked: Vec<_> =
            tickets.revoked_nodes.iter().map(|name| self.name("tickets: revoked-nodes", name)).collect();
        if tickets.rings.is_empty() {
            self.problems.add(place, "tickets: there is no ring: add a [[tickets.ring]], or leave [tickets] out");
        }
        let cluster = match &tickets.cluster {
            None => Some(None),
            Some(cluster) => self.ticket_cluster(cluster).map(Some),
        };
        let mut names = Seen::default();
        let rings: Vec<_> =
            tickets.rings.iter().map(|ring| self.ticket_ring(ring.get_ref(), services, &mut names)).collect();
        Some(Some(Tickets {
            listen: listen?,
            identity: identity?,
            folder: folder?,
            revoked_nodes: revoked.into_iter().collect::<Option<_>>()?,
            cluster: cluster?,
            rings: rings.into_iter().collect::<Option<_>>()?,
        }))
    }

    fn ticket_ring(
        &mut self,
        ring: &file::TicketRing,
        services: Option<&[Service]>,
        names: &mut Seen<String>,
    ) -> Option<TicketRing> {
        let name = match RingName::try_from(ring.name.get_ref().clone()) {
            Ok(name) => Some(name),
            Err(message) => self.problems.reject(&ring.name, format!("tickets: ring: {message}")),
        };
        let about = format!("tickets: ring {:?}", ring.name.get_ref());
        names.once(ring.name.get_ref().clone(), &ring.name, &mut self.problems, |line| {
            format!("{about}: there is one of this name in line {line}: give each its own")
        });
        let server = self.choice(&format!("{about}: server"), Some(&ring.server), &ServerKind::ALL);
        let shared_by = self.shared_by(&about, &ring.services, services);
        let identity = self.identity(&about, &ring.identity);
        let timing = self.timing(&about, ring);
        let min_ready = ring.min_ready.as_ref();
        let min_ready =
            self.whole_or(TicketRing::DEFAULT_MIN_READY, &format!("{about}: min-ready"), min_ready, 0..=100);
        let default = Some(TicketRing::DEFAULT_PROBE_INTERVAL);
        let probe_interval = ring.probe_interval.as_ref().map_or(Some(default), |text| {
            let interval = self.duration(&format!("{about}: probe-interval"), text, Duration::ZERO)?;
            Some((!interval.is_zero()).then_some(interval))
        });
        Some(TicketRing {
            name: name?,
            services: shared_by?,
            identity: identity?,
            server: server?,
            timing: timing?,
            min_ready: min_ready?,
            probe_interval: probe_interval?,
        })
    }

    /// The services that the ring names, each of which must be one that TLS is spoken with.
    fn shared_by(
        &mut self,
        about: &str,
        names: &Spanned<Vec<Spanned<String>>>,
        services: Option<&[Service]>,
    ) -> Option<Vec<String>> {
        if names.get_ref().is_empty() {
            let message = format!("{about}: services is empty: name those whose back-ends share the keys");
            return self.problems.reject(names, message);
        }
        // Without all services it is not known what is missing.
        let services = services?;
        let mut seen = Seen::default();
        for name in names.get_ref() {
            let text = name.get_ref();
            seen.once(text.clone(), name, &mut self.problems, |line| {
                format!("{about}: service {text:?} is already in line {line}: name it once")
            });
            match services.iter().find(|service| service.name == *text) {
                None => {
                    let message = format!("{about}: there is no service {text:?}: name one of this file");
                    self.problems.add(name, message);
                }
                Some(service) if service.protocol != Protocol::Tcp || !matches!(service.ports, Ports::One(_)) => {
                    let message =
                        format!("{about}: service {text:?} is not one port of TCP: tickets are for sessions over TCP");
                    self.problems.add(name, message);
                }
                Some(_) => {}
            }
        }
        Some(names.get_ref().iter().map(|name| name.get_ref().clone()).collect())
    }

    fn identity(&mut self, about: &str, text: &Spanned<String>) -> Option<DnsName<'static>> {
        match DnsName::try_from(text.get_ref().clone()) {
            Ok(name) => Some(name),
            Err(_) => {
                let message =
                    format!("{about}: identity {:?} is not the name of a host, as \"www.example.com\"", text.get_ref());
                self.problems.reject(text, message)
            }
        }
    }

    fn timing(&mut self, about: &str, ring: &file::TicketRing) -> Option<Timing> {
        let time = |checker: &mut Self, key: &str, text: &Option<Spanned<String>>, default| match text {
            None => Some(default),
            Some(text) => checker.duration(&format!("{about}: {key}"), text, Duration::ZERO),
        };
        let rotation = time(self, "rotation", &ring.rotation, Timing::DEFAULT_ROTATION)?;
        let lifetime = time(self, "lifetime", &ring.lifetime, rotation.min(Timing::LONGEST_LIFETIME));
        let guard = time(self, "guard", &ring.guard, Timing::default_guard(rotation));
        let (lifetime, guard) = (lifetime?, guard?);
        match Timing::new(rotation, lifetime, guard) {
            Ok(timing) => Some(timing),
            Err(reason) => {
                let (place, remedy) = match reason {
                    InvalidTiming::Rotation => (&ring.rotation, "use 1s or more, as 1h"),
                    InvalidTiming::Guard => (&ring.guard, "use a shorter guard, or a longer rotation"),
                    InvalidTiming::Lifetime => (&ring.lifetime, "use a shorter lifetime, or a longer rotation"),
                    InvalidTiming::NoLifetime => (&ring.lifetime, "use 1s or more, or leave it out"),
                    InvalidTiming::SevenDays => (&ring.lifetime, "use 7days or less"),
                };
                let place = place.as_ref().unwrap_or(&ring.name);
                self.problems.reject(place, format!("{about}: {reason}: {remedy}"))
            }
        }
    }
}
