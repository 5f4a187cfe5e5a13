//! What would be in the way, found before anything is touched.

use super::Error;
use super::desired::delivery;
use crate::bpf::Pins;
use crate::config::Config;
use crate::network::{Network, Unreachable, XdpAttachment};
use std::path::Path;

/// Checks that the interfaces of the configuration in the file `path` exist, and that its back-ends are on their segments.
///
/// # Errors
/// Everything that does not fit, a line each.
pub fn check_network(path: &Path, config: &Config, network: &Network) -> Result<(), Error> {
    let file = &path.display();
    let interfaces =
        config.interfaces.iter().filter(|name| network.link_by_name(name.as_str()).is_none()).map(|name| {
            let known: Vec<&str> = network.links.values().map(|link| link.name.as_str()).collect();
            format!("{file}: agent: there is no Ethernet interface \"{name}\": this machine has {}", known.join(", "))
        });
    let backends = config.services.iter().flat_map(|service| {
        service.backends.iter().filter_map(move |backend| {
            let unreachable = delivery(service, backend, network).err().filter(Unreachable::is_lasting)?;
            Some(format!("{file}: service \"{}\": back-end \"{}\": {unreachable}", service.name, backend.name))
        })
    });
    let problems: Vec<String> = interfaces.chain(backends).collect();
    if problems.is_empty() { Ok(()) } else { Err(Error::Network(problems.join("\n"))) }
}

/// Checks that no interface of the configuration has somebody else's XDP program.
pub(super) fn check_attachments(config: &Config, network: &Network, pins: &Pins) -> Result<(), Error> {
    for name in &config.interfaces {
        let attached = network.link_by_name(name.as_str()).is_some_and(|link| link.xdp != XdpAttachment::None);
        if attached && !pins.has_link(name.as_str()) {
            return Err(crate::bpf::Error::busy(name.as_str()).into());
        }
    }
    Ok(())
}
