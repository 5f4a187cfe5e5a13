//! Rings of session-ticket keys: how far back-ends are behind, and whether sessions are resumed.

use super::{Readings, counters, gauges};
use crate::control::types::{NodeStatus, ProbeOutcome, RingStatus, TicketProbeStatus};
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::registry::Unit;
use std::fmt;

impl Readings {
    pub(super) fn encode_tickets(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        self.encode_rings(encoder)?;
        self.encode_nodes(encoder)?;
        self.encode_probes(encoder)
    }

    fn encode_rings(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let labels = |ring: &RingStatus| [("ring", ring.name.to_string())];
        let gauge = |value: fn(&RingStatus) -> f64| self.tickets.iter().map(move |it| (labels(it), value(it)));
        let help = "Which ring of its term it is: one more at each rotation.";
        gauges(encoder, "ticket_ring_epoch", help, None, gauge(|it| it.version.epoch as f64))?;
        let help = "Which series of rings it is of: another after each beginning with fresh keys.";
        gauges(encoder, "ticket_ring_term", help, None, gauge(|it| it.version.term as f64))?;
        let rotations = self.tickets.iter().map(|it| (labels(it), it.rotations));
        counters(encoder, "ticket_rotations", "Rotations by this agent.", rotations)?;
        let help = "1 when the rotation waits for nodes, else 0.";
        gauges(encoder, "ticket_rotation_held", help, None, gauge(|it| f64::from(it.held)))?;
        let ages = self.tickets.iter().flat_map(|ring| {
            let name = ring.name.to_string();
            ring.keys.iter().map(move |key| ([("ring", name.clone()), ("state", key.state.to_string())], key.age_s))
        });
        gauges(encoder, "ticket_key_age", "Time since the key was made.", Some(&Unit::Seconds), ages)
    }

    fn encode_nodes(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let nodes = || self.tickets.iter().flat_map(|ring| ring.nodes.iter().map(move |node| (ring, node)));
        let labels =
            |(ring, node): &(&RingStatus, &NodeStatus)| [("ring", ring.name.to_string()), ("node", node.name.clone())];
        let lags = nodes().filter_map(|it| Some((labels(&it), it.1.lag? as f64)));
        let help = "By how many rotations it is behind; missing when it has no ring of this term.";
        gauges(encoder, "ticket_node_lag", help, None, lags)?;
        let states = nodes().map(|it| {
            let [ring, node] = labels(&it);
            let state = it.1.state.map_or_else(|| "never-heard".to_owned(), |state| state.to_string());
            ([ring, node, ("state", state)], 1.0)
        });
        gauges(encoder, "ticket_node_state", "Whose keys it works with; always 1.", None, states)?;
        let errors = nodes().map(|it| (labels(&it), f64::from(it.1.error.is_some())));
        let help = "1 when it says why it does not have the latest ring, else 0.";
        gauges(encoder, "ticket_node_errors", help, None, errors)?;
        let seen = nodes().filter_map(|it| Some((labels(&it), it.1.seen_s_ago?)));
        gauges(encoder, "ticket_node_seen", "Time since it was heard.", Some(&Unit::Seconds), seen)
    }

    fn encode_probes(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let probes = || self.tickets.iter().flat_map(|ring| ring.probes.iter().map(move |probe| (ring, probe)));
        let labels = |(ring, probe): &(&RingStatus, &TicketProbeStatus)| {
            [
                ("ring", ring.name.to_string()),
                ("service", probe.service.clone()),
                ("from", probe.from.clone()),
                ("to", probe.to.clone()),
                ("tls", probe.tls.clone()),
            ]
        };
        let tried = probes().flat_map(|it| {
            let [ring, service, from, to, tls] = labels(&it);
            [("resumed", it.1.resumed), ("full", it.1.full)].map(|(outcome, count)| {
                let outcome = ("outcome", outcome.to_owned());
                ([ring.clone(), service.clone(), from.clone(), to.clone(), tls.clone(), outcome], count)
            })
        });
        counters(encoder, "ticket_probe", "Sessions of one back-end that were tried on another.", tried)?;
        let last = probes().filter_map(|it| {
            let is_resumed = match it.1.outcome {
                ProbeOutcome::Resumed => true,
                ProbeOutcome::Full => false,
                ProbeOutcome::Failed => return None,
            };
            Some((labels(&it), f64::from(is_resumed)))
        });
        let help = "1 when the last one was resumed, 0 when not; missing when a back-end did not answer.";
        gauges(encoder, "ticket_probe_resumed", help, None, last)
    }
}
