//! Services that schedule every datagram by itself.

use super::Checker;
use crate::config::file;
use crate::config::model::{Protocol, Scheduler};

impl Checker<'_> {
    pub(super) fn one_packet(
        &mut self,
        about: &str,
        service: &file::Service,
        protocol: Option<Protocol>,
        scheduler: Option<Scheduler>,
    ) -> bool {
        let Some(wanted) = service.one_packet.as_ref().filter(|wanted| *wanted.get_ref()) else {
            return false;
        };
        if protocol.is_some_and(|protocol| protocol != Protocol::Udp) {
            let message =
                format!("{about}: one-packet needs protocol \"udp\": packets of a connection belong together");
            self.problems.add(wanted, message);
        } else {
            self.needs_flows(about, service, scheduler);
        }
        true
    }

    /// Reports what says something about flows, of which there are none.
    fn needs_flows(&mut self, about: &str, service: &file::Service, scheduler: Option<Scheduler>) {
        let without_meaning = |key: &str| {
            format!("{about}: {key} has no meaning with one-packet, which remembers no flow: remove one of them")
        };
        if let (Some(name), Some(Scheduler::LeastConnections | Scheduler::WeightedLeastConnections)) =
            (&service.scheduler, scheduler)
        {
            self.problems.add(name, without_meaning(&format!("scheduler {:?}", name.get_ref())));
        }
        if let Some(timeout) = &service.idle_timeout {
            self.problems.add(timeout, without_meaning("idle-timeout"));
        }
        if let Some(affinity) = &service.affinity {
            self.problems.add(&affinity.window, without_meaning("affinity"));
        }
        if let Some(rate) = &service.flood_above {
            self.problems.add(rate, without_meaning("flood-above"));
        }
        if let Some(quic) = service.quic.first() {
            self.problems.add(quic, without_meaning("quic"));
        }
    }
}
