use super::delivery::delivery;
use super::timeouts::Timeouts;
use crate::agent::standing::Standings;
use crate::config::{self, Affinity, AllDown, Config, Ports, Reset, to_ticks};
use crate::network::Network;
use crate::state::{
    AccessRule, AccessRules, DesiredBackend, DesiredQuic, DesiredService, PortsPrefix, QuicSecret, port_prefixes,
};
use lb_common::abi::{AccessList, Address, AffinityReset, Service, ServiceFlags};
use lb_common::quic::{QuicConfig, ServerId};
use std::net::IpAddr;
use std::sync::Arc;

pub(super) fn desired(
    config: &Config,
    service: &config::Service,
    network: &Network,
    standings: &Standings,
    timeouts: &Timeouts,
) -> DesiredService {
    let access = access(service);
    let is_passing = standings.all_down(service) == Some(AllDown::Pass);
    DesiredService {
        entry: entry(service, access.as_deref(), timeouts, is_passing),
        ports: ports(service),
        access,
        quic: service.quic.iter().filter_map(|quic| desired_quic(service, quic)).collect(),
        max_load: service.affinity.and_then(|affinity| affinity.max_load).map(|load| (100.0 * load).round() as u32),
        backends: service
            .backends
            .iter()
            .map(|backend| desired_backend(config, service, backend, network, standings))
            .collect(),
    }
}

fn desired_backend(
    config: &Config,
    service: &config::Service,
    backend: &config::Backend,
    network: &Network,
    standings: &Standings,
) -> DesiredBackend {
    let standing = standings.get(service, backend);
    DesiredBackend {
        address: Address::from(backend.address),
        weight: standing.weight,
        ramp: standing.ramp,
        takes: standing.takes,
        delivery: delivery(config, service, backend, network).ok(),
    }
}

/// The entry, but for its number and its rings.
fn entry(service: &config::Service, access: Option<&AccessRules>, timeouts: &Timeouts, is_passing: bool) -> Service {
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
        flags: flags(service, access, is_passing),
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

fn flags(service: &config::Service, access: Option<&AccessRules>, is_passing: bool) -> ServiceFlags {
    let mut flags = ServiceFlags::NONE;
    if service.one_packet {
        flags = flags.with(ServiceFlags::ONE_PACKET);
    }
    if !service.quic.is_empty() {
        flags = flags.with(ServiceFlags::QUIC);
    }
    if is_passing {
        flags = flags.with(ServiceFlags::PASSING);
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

/// The list, of which the map gets the rules of the VIP's family: an IPv6 prefix can cover all IPv4 addresses, as those are mapped. A list
/// without such rules is a list all the same.
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
    (!rules.is_empty()).then(|| Arc::new(AccessRules::for_family(rules, service.vip.is_ipv4())))
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    /// The access list of a service with this VIP and these keys.
    fn access_of(vip: &str, keys: &str) -> Option<Arc<AccessRules>> {
        let backend = vip.replace("::1", "::2").replace("2.1", "2.2");
        let backends = format!("backends = [{{ name = \"web\", address = \"{backend}\" }}]");
        let service = format!("[[service]]\nname = \"s\"\nvip = \"{vip}\"\nport = 443\n{backends}\n{keys}\n");
        let text = format!("[agent]\ninterfaces = [\"eth0\"]\n{service}");
        access(&Config::parse(Path::new("test"), &text).expect("a configuration").services[0])
    }

    #[test]
    fn rules_are_for_the_clients_that_the_vip_can_have() {
        let keys = "allow = [\"10.0.0.0/8\", \"::/0\"]";
        let sources = |vip| {
            let access = access_of(vip, keys).expect("a list");
            assert!(access.allows_listed_only());
            access.rules().iter().map(|rule| (rule.source, rule.bits)).collect::<Vec<_>>()
        };
        assert_eq!(sources("192.0.2.1"), [(Address::from_v4([10, 0, 0, 0]), 104)]);
        assert_eq!(sources("2001:db8::1"), [(Address::UNSPECIFIED, 0)]);
    }

    #[test]
    fn a_list_of_the_other_family_alone_closes_nothing() {
        assert!(!access_of("192.0.2.1", "deny = [\"2001:db8::/32\"]").expect("a list").allows_listed_only());
        assert_eq!(access_of("192.0.2.1", ""), None);
    }
}
