//! `health = { type = ... }`: how the back-ends of a service are checked, and what comes of it.
//!
//! | file | what it checks |
//! |---|---|
//! | `kind` | which keys have a meaning with which type |
//! | `probe` | the keys of each type |
//! | `tls` | the keys of certificates |

mod kind;
mod probe;
mod tls;

use super::Checker;
use crate::config::file;
use crate::config::model::{AllDown, Health, Ports, Protocol, Service, Via};
use kind::{KINDS, Kind};
use std::net::IpAddr;
use std::time::Duration;
use toml::Spanned;

/// The shortest interval and timeout: probes are no load test.
const SHORTEST: Duration = Duration::from_millis(10);

/// What a service says besides, as far as it is right itself.
#[derive(Clone, Copy)]
pub(super) struct Endpoint {
    pub(super) vip: Option<IpAddr>,
    pub(super) ports: Option<Ports>,
    pub(super) protocol: Option<Protocol>,
}

impl Checker<'_> {
    pub(super) fn health(
        &mut self,
        about: &str,
        service: &file::Service,
        endpoint: Endpoint,
    ) -> Option<Option<Health>> {
        let Some(health) = &service.health else {
            return Some(None);
        };
        let about = &format!("{about}: health");
        let kind = self.choice(&format!("{about}: type"), Some(&health.kind), &KINDS);
        let via = self.choice(&format!("{about}: via"), health.via.as_ref(), &VIAS);
        let interval = self.pause(about, "interval", health.interval.as_ref(), Health::DEFAULT_INTERVAL);
        let timeout = self.pause(about, "timeout", health.timeout.as_ref(), Health::DEFAULT_TIMEOUT);
        let jitter = self.jitter(about, health.jitter.as_ref());
        let rise = self.whole_or(Health::DEFAULT_RISE, &format!("{about}: rise"), health.rise.as_ref(), Health::COUNTS);
        let fall = self.whole_or(Health::DEFAULT_FALL, &format!("{about}: fall"), health.fall.as_ref(), Health::COUNTS);
        let kind = kind?;
        if let (Some(place), Some(Via::Vip)) = (&health.via, via) {
            self.via_vip(about, place, kind, service, endpoint.vip);
        }
        self.without_meaning(about, kind, health);
        let port = self.health_port(about, kind, health, endpoint);
        let probe = self.probe(about, kind, health);
        Some(Some(Health {
            probe: probe?,
            via: via?,
            port: port?,
            interval: interval?,
            timeout: timeout?,
            jitter: jitter?,
            rise: rise?,
            fall: fall?,
        }))
    }

    pub(super) fn slow_start(&mut self, about: &str, text: Option<&Spanned<String>>) -> Option<Option<Duration>> {
        match text {
            None => Some(None),
            Some(text) => self.duration(&format!("{about}: slow-start"), text, Duration::from_secs(1)).map(Some),
        }
    }

    pub(super) fn all_down(&mut self, about: &str, text: Option<&Spanned<String>>) -> Option<AllDown> {
        self.choice(&format!("{about}: all-down"), text, &ALL_DOWN)
    }

    pub(super) fn min_ready(&mut self, about: &str, service: &file::Service) -> Option<u32> {
        let number = service.min_ready.as_ref();
        let checked =
            self.whole_or(Service::DEFAULT_MIN_READY, &format!("{about}: min-ready"), number, 0..=u32::MAX)?;
        let backends = service.backends.get_ref().len();
        if let Some(number) = number.filter(|_| checked as usize > backends) {
            let message =
                format!("{about}: min-ready {checked} can never be: the service has {backends} back-ends; lower it");
            self.problems.add(number, message);
        }
        Some(checked)
    }

    fn pause(&mut self, about: &str, key: &str, text: Option<&Spanned<String>>, default: Duration) -> Option<Duration> {
        match text {
            None => Some(default),
            Some(text) => self.duration(&format!("{about}: {key}"), text, SHORTEST),
        }
    }

    fn jitter(&mut self, about: &str, jitter: Option<&Spanned<f64>>) -> Option<f64> {
        match jitter {
            None => Some(Health::DEFAULT_JITTER),
            Some(jitter) if Health::JITTERS.contains(jitter.get_ref()) => Some(*jitter.get_ref()),
            Some(jitter) => {
                let (least, most) = Health::JITTERS.into_inner();
                let message = format!("{about}: jitter {} cannot be: use {least:.1} to {most:.1}", jitter.get_ref());
                self.problems.reject(jitter, message)
            }
        }
    }

    /// Reports why probes cannot go to the VIP.
    fn via_vip(
        &mut self,
        about: &str,
        place: &Spanned<String>,
        kind: Kind,
        service: &file::Service,
        vip: Option<IpAddr>,
    ) {
        if kind == Kind::Exec {
            let message = "via \"vip\" cannot be with type \"exec\", whose program finds its own way: use \"address\"";
            return self.problems.add(place, format!("{about}: {message}"));
        }
        let Some(vip) = vip else { return };
        let addresses = service.backends.get_ref().iter().map(|backend| &backend.get_ref().address);
        let other =
            addresses.filter_map(|text| text.get_ref().parse().ok()).find(|it: &IpAddr| it.is_ipv4() != vip.is_ipv4());
        if let Some(other) = other {
            let message = format!(
                "{about}: via \"vip\" cannot be: the back-end {other} is not of the family of the VIP {vip}; use \"address\""
            );
            self.problems.add(place, message);
        }
    }

    fn health_port(&mut self, about: &str, kind: Kind, health: &file::Health, endpoint: Endpoint) -> Option<u16> {
        if let Some(port) = &health.port {
            return self.whole(&format!("{about}: port"), port, 1..=u16::MAX);
        }
        let Ports::One(port) = endpoint.ports? else {
            let message = format!("{about}: port is missing: the service has several, say which one is asked");
            return self.problems.reject(&health.kind, message);
        };
        let protocol = endpoint.protocol?;
        match kind.protocol().filter(|spoken| *spoken != protocol) {
            None => Some(port),
            Some(spoken) => {
                let fitting = Kind::list(|kind| kind.protocol().is_none_or(|spoken| spoken == protocol));
                let message = format!(
                    "{about}: type {:?} asks by {spoken}, which the service is not of: use {fitting}, or set the port that \
                     back-ends take {spoken} on",
                    health.kind.get_ref()
                );
                self.problems.reject(&health.kind, message)
            }
        }
    }
}

// The first of each is the default.
const VIAS: [(&str, Via); 2] = [("address", Via::Address), ("vip", Via::Vip)];
const ALL_DOWN: [(&str, AllDown); 3] = [("open", AllDown::Open), ("drop", AllDown::Drop), ("pass", AllDown::Pass)];
