//! Rows of tables that the command line and the report both show.

use crate::control::types::{ApplicationCounter, ProtocolCounter};
use crate::units::{bytes, number};

/// Link, network, transport, packets, bytes.
pub(crate) fn protocols(counters: &[ProtocolCounter]) -> impl Iterator<Item = Vec<String>> {
    counters.iter().map(|counter| {
        let ProtocolCounter { link, network, transport, .. } = counter;
        vec![link.clone(), network.clone(), transport.clone(), number(counter.packets), bytes(counter.bytes)]
    })
}

/// Application, services, new flows, live flows, packets, bytes.
pub(crate) fn applications(counters: &[ApplicationCounter]) -> impl Iterator<Item = Vec<String>> {
    counters.iter().map(|counter| {
        vec![
            counter.application.clone(),
            counter.services.to_string(),
            number(counter.new_flows),
            number(counter.live_flows),
            number(counter.packets),
            bytes(counter.bytes),
        ]
    })
}
