use super::delivery::delivery;
use crate::config::{self, Affinity, Config, Ports, Reset, to_ticks};
use crate::network::Network;
use crate::state::{
    AccessRule, AccessRules, DesiredBackend, DesiredQuic, DesiredService, PortsPrefix, QuicSecret, port_prefixes,
};
use lb_common::abi::{AccessList, Address, AffinityReset, Service, ServiceFlags, Ticks, TimeoutClass};
use lb_common::quic::{QuicConfig, ServerId};
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// The idle timeouts that services have of their own: each is a class.
pub(super) struct Timeouts(BTreeSet<Duration>);

impl Timeouts {
    pub(super) fn of(config: &Config) -> Self {
        Self(config.services.iter().filter_map(|service| service.idle_timeout).collect())
    }

    /// The timeouts of classes 1, 2 and so on.
    pub(super) fn classes(&self) -> impl Iterator<Item = Ticks> {
        self.0.iter().copied().map(to_ticks)
    }

    fn class(&self, idle_timeout: Option<Duration>) -> TimeoutClass {
        let index = idle_timeout.and_then(|timeout| self.0.iter().position(|&known| known == timeout));
        // The configuration has fewer of them than there are classes.
        index.map_or(TimeoutClass::DEFAULT, |index| TimeoutClass(index as u8 + 1))
    }
}

pub(super) fn desired(service: &config::Service, network: &Network, timeouts: &Timeouts) -> DesiredService {
    let access = access(service);
    DesiredService {
        entry: entry(service, access.as_deref(), timeouts),
        ports: ports(service),
        access,
        quic: service.quic.iter().filter_map(|quic| desired_quic(service, quic)).collect(),
        max_load: service.affinity.and_then(|affinity| affinity.max_load).map(|load| (100.0 * load).round() as u32),
        backends: service.backends.iter().map(|backend| desired_backend(service, backend, network)).collect(),
    }
}

fn desired_backend(service: &config::Service, backend: &config::Backend, network: &Network) -> DesiredBackend {
    DesiredBackend {
        address: Address::from(backend.address),
        weight: backend.weight,
        delivery: delivery(service, backend, network).ok(),
    }
}

/// The entry, but for its number and its rings.
fn entry(service: &config::Service, access: Option<&AccessRules>, timeouts: &Timeouts) -> Service {
    let limits = &service.limits;
    let (affinity_window, affinity_reset) = service.affinity.map_or((0, AffinityReset::EPOCH), |affinity| {
        let reset = match affinity.reset {
            Reset::Epoch => AffinityReset::EPOCH,
            Reset::Client => AffinityReset::CLIENT,
        };
        (to_ticks(affinity.window), reset)
    });
    let [v4, v6] = service.affinity.map_or([Affinity::DEFAULT_PREFIX, Affinity::DEFAULT_PREFIX_V6], |affinity| {
        [affinity.prefix, affinity.prefix_v6]
    });
    Service {
        id: 0,
        scheduler: service.scheduler.number(),
        ring_start: 0,
        ring_len: 0,
        consistent_start: 0,
        consistent_len: 0,
        flags: flags(service, access),
        access: access.map_or(AccessList([0; 2]), AccessRules::list),
        new_flow_rate: limits.new_flows.unwrap_or(0),
        source_rate: limits.new_flows_per_source.unwrap_or(0),
        flood_rate: limits.flood_above.unwrap_or(0),
        affinity_window,
        affinity_reset,
        timeouts: timeouts.class(service.idle_timeout),
        padding: 0,
        affinity_prefix: [mapped(v4), v6],
        source_prefix: [mapped(limits.source_prefix), limits.source_prefix_v6],
    }
}

fn flags(service: &config::Service, access: Option<&AccessRules>) -> ServiceFlags {
    let mut flags = ServiceFlags::NONE;
    if service.one_packet {
        flags = flags.with(ServiceFlags::ONE_PACKET);
    }
    if !service.quic.is_empty() {
        flags = flags.with(ServiceFlags::QUIC);
    }
    if let Some(access) = access {
        flags = flags.with(ServiceFlags::ACCESS);
        if access.allows_listed_only() {
            flags = flags.with(ServiceFlags::ALLOW_LISTED_ONLY);
        }
    }
    flags
}

/// `None` for lengths that the configuration does not let through.
fn desired_quic(service: &config::Service, quic: &config::Quic) -> Option<DesiredQuic> {
    let key = quic.key.as_ref().map(|key| *key.bytes());
    let config = QuicConfig::new(quic.server_id_len.into(), quic.nonce_len.into(), key)?;
    let address =
        |name: &str| service.backends.iter().find(|backend| backend.name == name).map(|backend| backend.address);
    let servers = quic
        .servers
        .iter()
        .filter_map(|(name, id)| Some((ServerId::new(quic.codepoint, id)?, Address::from(address(name)?))));
    Some(DesiredQuic { codepoint: quic.codepoint, config: QuicSecret::new(config), servers: servers.collect() })
}

/// Bits of a mapped address that are those of an IPv4 prefix.
const fn mapped(bits: u8) -> u8 {
    96 + bits
}

fn access(service: &config::Service) -> Option<Arc<AccessRules>> {
    let rules = service.access.rules.iter().map(|(prefix, action)| AccessRule {
        source: Address::from(prefix.address),
        bits: match prefix.address {
            IpAddr::V4(_) => mapped(prefix.len),
            IpAddr::V6(_) => prefix.len,
        },
        is_allowed: *action == config::Action::Allow,
    });
    let rules: Vec<_> = rules.collect();
    (!rules.is_empty()).then(|| Arc::new(AccessRules::new(rules)))
}

/// What leads to a service with several ports.
fn ports(service: &config::Service) -> Vec<PortsPrefix> {
    let (first, last) = match service.ports {
        Ports::One(_) => return Vec::new(),
        Ports::Range(first, last) => (first, last),
        Ports::All => (0, u16::MAX),
    };
    port_prefixes(Address::from(service.vip), service.protocol.number(), first, last)
}
