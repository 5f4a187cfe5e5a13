//! What is measured each second: for the history, and for those who look on.

use super::history::Key;
use super::rates::Measured;
use crate::control::types::{BackendState, BackendStatus, Measure, SeriesOf, ServiceStatus, Traffic, VerdictCounter};
use std::collections::BTreeMap;

/// All measures of one reading.
pub fn measures(
    services: &[ServiceStatus],
    backends: &[BackendStatus],
    verdicts: &[VerdictCounter],
    traffic: &Traffic,
) -> BTreeMap<Key, Measured> {
    let mut found = Measures::default();
    found.all(services, verdicts);
    for counter in &traffic.protocols {
        found.protocol(format!("{} {}", counter.network, counter.transport), counter.packets, counter.bytes);
    }
    for counter in &traffic.applications {
        let of = SeriesOf::Application { application: counter.application.clone() };
        found.total(&of, Measure::Packets, counter.packets);
        found.total(&of, Measure::Bytes, counter.bytes);
    }
    for counter in verdicts.iter().filter(|verdict| verdict.action == DROPPED) {
        // Most reasons never come.
        if counter.packets > 0 {
            found.total(&SeriesOf::Reason { reason: counter.reason.clone() }, Measure::Dropped, counter.packets);
        }
    }
    for service in services {
        found.service(service);
    }
    // Those that are leaving have no name of their own any more.
    for backend in backends.iter().filter(|backend| backend.state != BackendState::Leaving) {
        found.backend(backend);
    }
    found.0
}

const DROPPED: &str = "dropped";

#[derive(Default)]
struct Measures(BTreeMap<Key, Measured>);

impl Measures {
    fn all(&mut self, services: &[ServiceStatus], verdicts: &[VerdictCounter]) {
        let sum = |value: fn(&ServiceStatus) -> u64| services.iter().map(value).sum();
        let dropped = verdicts.iter().filter(|verdict| verdict.action == DROPPED).map(|verdict| verdict.packets).sum();
        self.total(&SeriesOf::All, Measure::Packets, sum(|service| service.packets));
        self.total(&SeriesOf::All, Measure::Bytes, sum(|service| service.bytes));
        self.total(&SeriesOf::All, Measure::NewFlows, sum(|service| service.new_flows));
        self.total(&SeriesOf::All, Measure::Dropped, dropped);
        self.level(&SeriesOf::All, Measure::LiveFlows, sum(|service| service.live_flows) as f64);
    }

    /// Adds what came with tags to what came without.
    fn protocol(&mut self, protocol: String, packets: u64, bytes: u64) {
        let of = SeriesOf::Protocol { protocol };
        for (measure, more) in [(Measure::Packets, packets), (Measure::Bytes, bytes)] {
            let sum = self.0.entry(Key { of: of.clone(), measure }).or_insert(Measured::Total(0));
            if let Measured::Total(sum) = sum {
                *sum += more;
            }
        }
    }

    fn service(&mut self, service: &ServiceStatus) {
        let of = SeriesOf::Service { service: service.name.clone() };
        self.total(&of, Measure::Packets, service.packets);
        self.total(&of, Measure::Bytes, service.bytes);
        self.total(&of, Measure::NewFlows, service.new_flows);
        self.total(&of, Measure::Dropped, service.dropped);
        self.level(&of, Measure::LiveFlows, service.live_flows as f64);
    }

    fn backend(&mut self, backend: &BackendStatus) {
        let of = SeriesOf::Backend { service: backend.service.clone(), backend: backend.name.clone() };
        let is_ready = matches!(backend.state, BackendState::Ready | BackendState::Starting);
        self.total(&of, Measure::Packets, backend.packets);
        self.total(&of, Measure::Bytes, backend.bytes);
        self.total(&of, Measure::NewFlows, backend.new_flows);
        self.level(&of, Measure::LiveFlows, backend.live_flows as f64);
        self.level(&of, Measure::Ready, f64::from(is_ready));
    }

    fn total(&mut self, of: &SeriesOf, measure: Measure, total: u64) {
        self.0.insert(Key { of: of.clone(), measure }, Measured::Total(total));
    }

    fn level(&mut self, of: &SeriesOf, measure: Measure, level: f64) {
        self.0.insert(Key { of: of.clone(), measure }, Measured::Level(level));
    }
}
