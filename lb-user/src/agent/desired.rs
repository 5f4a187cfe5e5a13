//! From the configuration and the network to what the maps should say.

use crate::config::{Config, FlowTable, Service, to_ticks};
use crate::network::Network;
use crate::state::{Desired, DesiredBackend, DesiredService};
use lb_common::abi::{Address, Device, MAX_DEVICES, Settings, VipFilter};
use lb_common::flow_table::WAYS;

/// What the maps should say for this configuration in this network.
pub fn desired(config: &Config, network: &Network, flow_secret: [u64; 2]) -> Desired {
    Desired {
        settings: settings(config, network, flow_secret),
        services: config.services.iter().map(|service| (service.key(), desired_service(service, network))).collect(),
        removal_grace: to_ticks(config.removal_grace),
    }
}

fn settings(config: &Config, network: &Network, flow_secret: [u64; 2]) -> Settings {
    let mut devices = [Device::default(); MAX_DEVICES];
    let present = config.interfaces.iter().filter_map(|name| network.link_by_name(name.as_str()));
    let mut device_count = 0;
    for (device, link) in devices.iter_mut().zip(present) {
        *device = Device { ifindex: link.ifindex, mac: link.mac, padding: [0; 2] };
        device_count += 1;
    }
    let mut vips = VipFilter::EMPTY;
    for service in &config.services {
        vips.insert(u32::from_ne_bytes(service.vip.octets()));
    }
    let FlowTable { flows, timeouts } = config.flow_table;
    Settings { flow_secret, bucket_mask: flows / WAYS as u32 - 1, device_count, devices, timeouts, vips }
}

fn desired_service(service: &Service, network: &Network) -> DesiredService {
    let backends = service.backends.iter().map(|backend| DesiredBackend {
        address: Address::from_v4(backend.address.octets()),
        next_hop: network.next_hop(backend.address).ok(),
    });
    DesiredService { scheduler: service.scheduler.number(), backends: backends.collect() }
}
