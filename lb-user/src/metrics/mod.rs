//! The numbers for Prometheus, in the OpenMetrics text format. They are read when they are asked for, from the same reports as those of the
//! command line, so both say the same.
//!
//! With direct server return packets and bytes are the clients' half of the traffic: the back-ends' answers do not pass the balancer.

mod tickets;
mod traffic;

use crate::control::types::{
    BackendState, BackendStatus, ClientHellos, HealthState, RingStatus, ServiceStatus, Snapshot, Status, Traffic,
    VerdictCounter,
};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, text};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::{Registry, Unit};
use std::fmt;

/// Everything that is measured, at one moment.
#[derive(Clone, Debug)]
pub struct Readings {
    /// The agent.
    pub status: Status,
    /// What it balances.
    pub services: Vec<ServiceStatus>,
    /// Who answers.
    pub backends: Vec<BackendStatus>,
    /// What became of the packets.
    pub verdicts: Vec<VerdictCounter>,
    /// What kind of traffic there is.
    pub traffic: Traffic,
    /// What clients offer when they begin TLS.
    pub hellos: Vec<ClientHellos>,
    /// The session-ticket keys that back-ends share.
    pub tickets: Vec<RingStatus>,
}

/// What [`exposition`] returns (OpenMetrics 1.0).
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The readings as text.
///
/// # Errors
/// Never, as far as is known: writing to memory does not fail.
pub fn exposition(readings: Readings) -> Result<String, fmt::Error> {
    let mut registry = Registry::with_prefix("handoff");
    registry.register_collector(Box::new(readings));
    let mut text = String::new();
    text::encode(&mut text, &registry)?;
    Ok(text)
}

impl From<Snapshot> for Readings {
    fn from(snapshot: Snapshot) -> Self {
        Self {
            status: snapshot.status,
            services: snapshot.services,
            backends: snapshot.backends,
            verdicts: snapshot.verdicts,
            traffic: snapshot.traffic,
            hellos: snapshot.samples.hellos,
            tickets: snapshot.tickets,
        }
    }
}

impl Collector for Readings {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        self.encode_agent(&mut encoder)?;
        self.encode_services(&mut encoder)?;
        self.encode_backends(&mut encoder)?;
        self.encode_verdicts(&mut encoder)?;
        self.encode_traffic(&mut encoder)?;
        self.encode_tickets(&mut encoder)
    }
}

impl Readings {
    fn encode_agent(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let Status { flow_table, .. } = &self.status;
        let version = [("version", self.status.version.clone())];
        gauges(encoder, "build", "The agent; always 1.", None, [(version, 1.0)])?;
        let plain = [
            ("uptime", "Time since the agent started.", Some(Unit::Seconds), self.status.uptime_s as f64),
            ("config_generation", "Number of the configuration that is followed.", None, self.status.generation as f64),
            ("overrides", "Back-ends that are not as the configuration says.", None, self.status.overrides as f64),
            (
                "failure",
                "1 when the data plane does not follow, else 0.",
                None,
                f64::from(self.status.failure.is_some()),
            ),
            ("flow_table_capacity", "Flows that the flow table has room for.", None, flow_table.capacity as f64),
            ("flow_table_live", "Flows that are not expired.", None, flow_table.live as f64),
        ];
        for (name, help, unit, value) in plain {
            gauge(encoder, name, help, unit.as_ref(), value)?;
        }
        if let Some(nanoseconds) = self.status.ns_per_packet {
            let help = "What a packet takes, on average.";
            gauge(encoder, "packet_run_time", help, Some(&Unit::Seconds), nanoseconds * 1e-9)?;
        }
        let announced = self
            .status
            .announced
            .iter()
            .map(|vip| ([("vip", vip.vip.to_string())], f64::from(vip.announced == Some(true))));
        gauges(encoder, "vip_announced", "1 when the network was told that the VIP is here, else 0.", None, announced)
    }

    fn encode_services(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let labels = |service: &ServiceStatus| [("service", service.name.clone())];
        let gauge = |value: fn(&ServiceStatus) -> f64| self.services.iter().map(move |it| (labels(it), value(it)));
        let counter = |value: fn(&ServiceStatus) -> u64| self.services.iter().map(move |it| (labels(it), value(it)));
        gauges(encoder, "service_backends", "Back-ends.", None, gauge(|it| it.backends as f64))?;
        gauges(encoder, "service_ready_backends", "Back-ends that get new flows.", None, gauge(|it| it.ready as f64))?;
        gauges(encoder, "service_live_flows", "Flows that are not expired.", None, gauge(|it| it.live_flows as f64))?;
        counters(
            encoder,
            "service_new_flows",
            "Flows that the scheduler gave to a back-end.",
            counter(|it| it.new_flows),
        )?;
        counters(encoder, "service_packets", "Packets of clients, forwarded.", counter(|it| it.packets))?;
        counters(encoder, "service_bytes", "Their bytes, Ethernet headers included.", counter(|it| it.bytes))?;
        counters(encoder, "service_dropped_packets", "Packets that were dropped.", counter(|it| it.dropped))?;
        counters(
            encoder,
            "service_unknown_flows",
            "Packets of flows that were not remembered.",
            counter(|it| it.unknown_flows),
        )?;
        counters(
            encoder,
            "service_table_full",
            "New flows that found the flow table full.",
            counter(|it| it.table_full),
        )?;
        counters(
            encoder,
            "service_affinity",
            "New flows that went where their client was before.",
            counter(|it| it.affinity),
        )?;
        counters(encoder, "service_flood", "New flows in a flood, not remembered.", counter(|it| it.flood))
    }

    fn encode_backends(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        // Those that are leaving have no name of their own any more.
        let named = || self.backends.iter().filter(|it| it.state != BackendState::Leaving);
        let labels = |it: &BackendStatus| [("service", it.service.clone()), ("backend", it.name.clone())];
        let gauge = |value: fn(&BackendStatus) -> f64| named().map(move |it| (labels(it), value(it)));
        let counter = |value: fn(&BackendStatus) -> u64| named().map(move |it| (labels(it), value(it)));
        let ready = |it: &BackendStatus| {
            f64::from(matches!(it.state, BackendState::Ready | BackendState::Starting) && it.weight > 0)
        };
        gauges(encoder, "backend_ready", "1 when it gets new flows, else 0.", None, gauge(ready))?;
        gauges(encoder, "backend_weight", "Its weight.", None, gauge(|it| it.weight.into()))?;
        gauges(encoder, "backend_live_flows", "Flows that are not expired.", None, gauge(|it| it.live_flows as f64))?;
        let checked = named().filter_map(|it| Some((labels(it), it.health.as_ref()?)));
        let up = checked.clone().map(|(labels, health)| (labels, f64::from(health.state == HealthState::Up)));
        gauges(encoder, "backend_up", "1 when its health check passes, else 0.", None, up)?;
        let latencies = checked.filter_map(|(labels, health)| Some((labels, health.latency_ms? * 1e-3)));
        let help = "How long the last successful health check took.";
        gauges(encoder, "backend_check_latency", help, Some(&Unit::Seconds), latencies)?;
        counters(encoder, "backend_new_flows", "Flows that the scheduler gave to it.", counter(|it| it.new_flows))?;
        counters(encoder, "backend_packets", "Packets of clients, forwarded to it.", counter(|it| it.packets))?;
        counters(encoder, "backend_bytes", "Their bytes, Ethernet headers included.", counter(|it| it.bytes))
    }

    fn encode_verdicts(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let labels = |it: &VerdictCounter| [("action", it.action.clone()), ("reason", it.reason.clone())];
        let packets = self.verdicts.iter().map(|it| (labels(it), it.packets));
        counters(encoder, "packets", "Packets, by what became of them.", packets)?;
        let bytes = self.verdicts.iter().map(|it| (labels(it), it.bytes));
        counters(encoder, "bytes", "Their bytes, Ethernet headers included.", bytes)
    }
}

fn gauge(encoder: &mut DescriptorEncoder<'_>, name: &str, help: &str, unit: Option<&Unit>, value: f64) -> fmt::Result {
    let metric = ConstGauge::new(value);
    metric.encode(encoder.encode_descriptor(name, help, unit, metric.metric_type())?)
}

fn counters<const N: usize>(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    values: impl IntoIterator<Item = ([(&'static str, String); N], u64)>,
) -> fmt::Result {
    let mut family = encoder.encode_descriptor(name, help, None, ConstCounter::new(0u64).metric_type())?;
    for (labels, value) in values {
        ConstCounter::new(value).encode(family.encode_family(&labels)?)?;
    }
    Ok(())
}

fn gauges<const N: usize>(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    unit: Option<&Unit>,
    values: impl IntoIterator<Item = ([(&'static str, String); N], f64)>,
) -> fmt::Result {
    let mut family = encoder.encode_descriptor(name, help, unit, ConstGauge::new(0.0).metric_type())?;
    for (labels, value) in values {
        ConstGauge::new(value).encode(family.encode_family(&labels)?)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
