//! From the configuration and the network to what the maps should say.
//!
//! | file | what it makes |
//! |---|---|
//! | `service` | the entry of a service |
//! | `delivery` | the way to a back-end |
//! | `probes` | the way of probes to a VIP |
//! | `outer` | what a tunnel puts in front of packets |
//! | `timeouts` | which class an idle timeout is |

mod delivery;
mod outer;
mod probes;
mod service;
mod timeouts;

pub use probes::{ProbeTargets, probe_targets};

pub(crate) use delivery::delivery;

use super::standing::Standings;
use crate::config::{Config, to_ticks};
use crate::network::Network;
use crate::state::{Desired, Observed};
use lb_common::abi::{Address, Device, MAX_DEVICES, Settings, VipFilter};
use lb_common::flow_table::WAYS;
use timeouts::Timeouts;

/// What the maps should say for this configuration in this network, while back-ends stand like this; `observed` is what they say now, so
/// that flows keep their timeouts.
pub fn desired(
    config: &Config,
    network: &Network,
    standings: &Standings,
    flow_secret: [u64; 2],
    observed: &Observed,
) -> Desired {
    let timeouts = Timeouts::of(config, observed);
    let services = config.services.iter();
    let services =
        services.map(|service| (service.key(), service::desired(config, service, network, standings, &timeouts)));
    Desired {
        settings: settings(config, network, &timeouts, flow_secret),
        services: services.collect(),
        removal_grace: to_ticks(config.removal_grace),
    }
}

fn settings(config: &Config, network: &Network, timeouts: &Timeouts, flow_secret: [u64; 2]) -> Settings {
    let mut devices = [Device::default(); MAX_DEVICES];
    let present = config.interfaces.iter().filter_map(|name| network.link_by_name(name.as_str()));
    let mut device_count = 0;
    for (device, link) in devices.iter_mut().zip(present) {
        *device = Device { ifindex: link.ifindex, mac: link.mac, padding: [0; 2] };
        device_count += 1;
    }
    let mut vips = VipFilter::EMPTY;
    for service in &config.services {
        vips.insert(Address::from(service.vip));
    }
    let mut by_class = config.flow_table.timeouts;
    for (class, idle) in timeouts.classes() {
        by_class.set_class(class, idle);
    }
    Settings {
        flow_secret,
        bucket_mask: config.flow_table.flows / WAYS as u32 - 1,
        client_mask: config.flow_table.clients / WAYS as u32 - 1,
        echo_rate: if config.icmp.answer_echo { config.icmp.echo_rate } else { 0 },
        too_big_rate: config.icmp.too_big_rate,
        has_ranges: config.services.iter().any(|service| service.ports.are_several()).into(),
        has_quic: config.services.iter().any(|service| !service.quic.is_empty()).into(),
        device_count,
        devices,
        timeouts: by_class,
        vips,
    }
}
