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
    let backends = unreachable(path, config, network, Unreachable::is_lasting);
    let problems: Vec<String> = interfaces.chain(backends).collect();
    if problems.is_empty() { Ok(()) } else { Err(Error::Network(problems.join("\n"))) }
}

/// Why there is no way to some back-ends of the configuration in the file `path` at the moment, a line each. An agent starts all the
/// same: such reasons come and go.
pub(crate) fn unreachable_now(path: &Path, config: &Config, network: &Network) -> Vec<String> {
    unreachable(path, config, network, |reason| !reason.is_lasting()).collect()
}

/// The back-ends that no packet gets to for such a reason, a line each.
fn unreachable<'a>(
    path: &'a Path,
    config: &'a Config,
    network: &'a Network,
    is_meant: impl Fn(&Unreachable) -> bool + Copy + 'a,
) -> impl Iterator<Item = String> + 'a {
    config.services.iter().flat_map(move |service| {
        service.backends.iter().filter_map(move |backend| {
            let reason = delivery(config, service, backend, network).err().filter(is_meant)?;
            let (file, service, backend) = (path.display(), &service.name, &backend.name);
            Some(format!("{file}: service \"{service}\": back-end \"{backend}\": {reason}"))
        })
    })
}

/// Checks that no program of a release with another layout of the maps is attached: its flows would be lost, or both would forward.
pub(super) fn check_layout(pins: &Pins) -> Result<(), Error> {
    match pins.of_other_versions().first() {
        None => Ok(()),
        Some(other) => Err(Error::Layout {
            folder: other.folder().to_owned(),
            interfaces: other.linked().join(", "),
            pin_folder: pins.folder().parent().unwrap_or(pins.folder()).to_owned(),
        }),
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::neighbours::routed;
    use crate::network::{InterfaceAddress, Link};
    use lb_common::wire::Mac;

    const PATH: &str = "handoff.toml";

    fn config() -> Config {
        let text = r#"
            [agent]
            interfaces = ["eth0"]
            [[service]]
            name = "near"
            vip = "192.0.2.10"
            port = 80
            backends = [{ name = "silent", address = "10.0.0.9" }, { name = "elsewhere", address = "10.9.0.9" }]
            [[service]]
            name = "far"
            vip = "192.0.2.10"
            port = 443
            forwarding = "ipip"
            backends = [{ name = "unrouted", address = "203.0.113.9" }]
        "#;
        Config::parse(Path::new(PATH), text).expect("a good configuration")
    }

    fn network() -> Network {
        let (ifindex, address, xdp) = (2, [10, 0, 0, 1].into(), XdpAttachment::None);
        let mac = Mac::new([2, 0, 0, 0, 0, 1]);
        let link = Link { ifindex, name: "eth0".to_owned(), mac, up: true, mtu: 1_500, vlan: None, xdp };
        let own = InterfaceAddress { ifindex, address, subnet: address, prefix_len: 24 };
        Network { links: [(ifindex, link)].into(), addresses: vec![own], ..Network::default() }
    }

    #[test]
    fn lasting_reasons_are_refused_and_others_are_told() {
        let (path, config, network) = (Path::new(PATH), config(), network());
        let refused = check_network(path, &config, &network).expect_err("a back-end elsewhere").to_string();
        assert!(refused.starts_with("handoff.toml: service \"near\": back-end \"elsewhere\": "), "{refused}");
        assert_eq!(refused.lines().count(), 1);
        let told = unreachable_now(path, &config, &network);
        assert!(told[0].starts_with("handoff.toml: service \"near\": back-end \"silent\": no answer to ARP on eth0"));
        assert!(told[1].starts_with("handoff.toml: service \"far\": back-end \"unrouted\": there is no route"));
        assert_eq!(told.len(), 2);
    }

    #[test]
    fn routes_are_asked_for_behind_tunnels() {
        assert_eq!(routed(&config()), [[203, 0, 113, 9].into()].into());
    }
}
