use super::device::{Device, devices};
use super::driver::driver;
use super::xdp_features::xdp_features;
use crate::bpf::{self, Pins};
use crate::config::{Config, InterfaceName};
use crate::doctor::interface::{Interface, Owner};
use crate::network::{self, Link, Network, XdpAttachment};
use std::fs;
use std::path::Path;

/// The interfaces of the configuration.
pub(in crate::doctor) async fn interfaces(
    config: &Config,
    network: &Network,
    pins: &Pins,
) -> Result<Vec<Interface>, network::Error> {
    let open = |source| network::Error::Open { source };
    let (connection, mut drivers, _) = ethtool::new_connection().map_err(open)?;
    let asked = tokio::spawn(connection);
    let devices = devices().await?;
    let mut interfaces = Vec::new();
    for name in config.interfaces.iter().map(InterfaceName::as_str) {
        let Some(link) = network.link_by_name(name) else {
            interfaces.push(Interface { name: name.to_owned(), ..Interface::default() });
            continue;
        };
        let device = devices.iter().find(|device| device.name == name);
        let told = driver(&mut drivers, name).await;
        interfaces.push(Interface {
            name: name.to_owned(),
            link: Some(link.clone()),
            driver: driver_name(name, device),
            features: told.features,
            xdp: xdp_features(&mut drivers.handle, link.ifindex).await,
            ring: told.ring,
            queues: told.queues,
            missed: device.map_or(0, |device| device.missed),
            has_vlans: has_vlans(config, network, link),
            owner: owner(link, pins),
        });
    }
    asked.abort();
    Ok(interfaces)
}

/// Virtual interfaces go by their kind, others have a device with a driver.
fn driver_name(interface: &str, device: Option<&Device>) -> Option<String> {
    if let Some(kind) = device.and_then(|device| device.kind.as_ref()) {
        return Some(kind.to_string());
    }
    let driver = fs::read_link(Path::new("/sys/class/net").join(interface).join("device/driver")).ok()?;
    Some(driver.file_name()?.to_string_lossy().into_owned())
}

fn has_vlans(config: &Config, network: &Network, link: &Link) -> bool {
    let above = network.links.values().filter_map(|other| other.vlan);
    let tagged = config.services.iter().flat_map(|service| &service.backends);
    above.into_iter().any(|vlan| vlan.parent == Some(link.ifindex)) || tagged.into_iter().any(|it| it.vlans.is_some())
}

fn owner(link: &Link, pins: &Pins) -> Owner {
    let (XdpAttachment::Native(id) | XdpAttachment::Generic(id) | XdpAttachment::Offloaded(id)) = link.xdp else {
        return Owner::default();
    };
    match bpf::program_name(id) {
        None if !pins.are_readable() => Owner::Unknown,
        Some(name) if !bpf::is_ours(&name) => Owner::Another(name),
        // Another Handoff's.
        name if pins.are_readable() && !pins.has_link(&link.name) => {
            Owner::Another(name.unwrap_or_else(|| format!("number {id}")))
        }
        _ => Owner::Handoff,
    }
}
