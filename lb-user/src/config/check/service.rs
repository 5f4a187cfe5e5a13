//! `[[service]]`: what makes one, and what it must not share with another.

use super::Checker;
use super::backends::Terms;
use super::health::Endpoint;
use crate::config::file;
use crate::config::model::{Forwarding, Ports, Protocol, Scheduler, Service, to_ticks};
use lb_common::abi::{MAX_BACKENDS, MAX_SERVICES};
use std::net::IpAddr;
use std::time::Duration;
use toml::Spanned;

impl Checker<'_> {
    pub(super) fn services(&mut self, services: &[Spanned<file::Service>]) -> Option<Vec<Service>> {
        if let Some(surplus) = services.get(MAX_SERVICES as usize) {
            self.problems.add(surplus, format!("this service is one too many: at most {MAX_SERVICES} are possible"));
        }
        let mut backends = services.iter().flat_map(|service| service.get_ref().backends.get_ref());
        if let Some(surplus) = backends.nth(MAX_BACKENDS as usize) {
            let message = format!("this back-end is one too many: at most {MAX_BACKENDS} are possible in all services");
            self.problems.add(surplus, message);
        }
        let checked: Vec<_> = services.iter().map(|service| self.service(service.get_ref())).collect();
        let right = services.iter().map(Spanned::get_ref).zip(&checked);
        self.capacity(right.filter_map(|(service, checked)| Some((service, checked.as_ref()?))));
        checked.into_iter().collect()
    }

    fn service(&mut self, service: &file::Service) -> Option<Service> {
        let about = &format!("service {:?}", service.name.get_ref());
        let name = self.service_name(about, &service.name);
        let vip = self.address(&format!("{about}: vip"), &service.vip);
        let ports = self.ports(&format!("{about}: port"), &service.port);
        let protocol = self.choice(&format!("{about}: protocol"), service.protocol.as_ref(), &PROTOCOLS);
        if let (Some(vip), Some(ports), Some(protocol)) = (vip, ports, protocol) {
            self.claim(about, &service.vip, vip, ports, protocol);
        }
        let scheduler = self.choice(&format!("{about}: scheduler"), service.scheduler.as_ref(), &SCHEDULERS);
        let forwarding = self.forwarding(about, service);
        let idle_timeout = self.idle_timeout(about, service.idle_timeout.as_ref());
        let one_packet = self.one_packet(about, service, protocol, scheduler);
        let affinity = self.affinity(about, service.affinity.as_ref());
        let access = self.access(about, service, vip);
        let limits = self.limits(about, service);
        let quic = self.quic(about, service, protocol);
        let health = self.health(about, service, Endpoint { vip, ports, protocol });
        let slow_start = self.slow_start(about, service.slow_start.as_ref());
        let all_down = self.all_down(about, service.all_down.as_ref());
        let min_ready = self.min_ready(about, service);
        let segment_of = vip.filter(|_| forwarding == Some(Forwarding::L2Dsr));
        let backends = self.backends(about, &service.backends, &Terms { segment_of, scheduler });
        Some(Service {
            name: name?,
            vip: vip?,
            ports: ports?,
            protocol: protocol?,
            scheduler: scheduler?,
            forwarding: forwarding?,
            idle_timeout: idle_timeout?,
            one_packet,
            affinity: affinity?,
            access,
            limits: limits?,
            quic: quic?,
            health: health?,
            slow_start: slow_start?,
            all_down: all_down?,
            min_ready: min_ready?,
            is_announced: service.announce.unwrap_or(true),
            backends: backends?,
        })
    }

    fn service_name(&mut self, about: &str, name: &Spanned<String>) -> Option<String> {
        let checked = self.name(about, name);
        self.names.once(name.get_ref().clone(), name, &mut self.problems, |line| {
            format!("{about}: the name is already taken in line {line}")
        });
        checked
    }

    /// Takes the ports of the VIP for this service alone.
    fn claim(&mut self, about: &str, place: &Spanned<String>, vip: IpAddr, ports: Ports, protocol: Protocol) {
        let taken = self.endpoints.entry((vip, protocol)).or_default();
        if let Some((others, line)) = taken.iter().find(|(others, _)| others.conflict(ports)) {
            let endpoint = |ports| match vip {
                IpAddr::V4(vip) => format!("{vip}:{ports}/{protocol}"),
                IpAddr::V6(vip) => format!("[{vip}]:{ports}/{protocol}"),
            };
            let message = if *others == ports {
                format!("{} is already a service", endpoint(ports))
            } else {
                format!("{} overlaps with the service {}", endpoint(ports), endpoint(*others))
            };
            let remedy = "give one of them another port or VIP";
            self.problems.add(place, format!("{about}: {message}, in line {line}: {remedy}"));
        }
        taken.push((ports, self.problems.line(place)));
    }

    fn idle_timeout(&mut self, about: &str, text: Option<&Spanned<String>>) -> Option<Option<Duration>> {
        let Some(text) = text else {
            return Some(None);
        };
        let timeout = self.duration(&format!("{about}: idle-timeout"), text, Duration::from_secs(1))?;
        const MOST: usize = Service::MAX_IDLE_TIMEOUTS;
        if self.idle_timeouts.insert(to_ticks(timeout)) && self.idle_timeouts.len() == MOST + 1 {
            let message =
                format!("{about}: this idle-timeout is one too many: at most {MOST} different ones are possible");
            self.problems.add(text, message);
        }
        Some(Some(timeout))
    }
}

// The first of each is the default.
const PROTOCOLS: [(&str, Protocol); 3] = [("tcp", Protocol::Tcp), ("udp", Protocol::Udp), ("sctp", Protocol::Sctp)];
const SCHEDULERS: [(&str, Scheduler); 6] = [
    ("round-robin", Scheduler::RoundRobin),
    ("weighted-round-robin", Scheduler::WeightedRoundRobin),
    ("least-connections", Scheduler::LeastConnections),
    ("weighted-least-connections", Scheduler::WeightedLeastConnections),
    ("source-hash", Scheduler::SourceHash),
    ("maglev", Scheduler::Maglev),
];
