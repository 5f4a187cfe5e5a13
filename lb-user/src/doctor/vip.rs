//! Whether clients' packets come to the balancer, as far as that can be seen there.

use super::{Check, Finding};
use crate::config::Config;
use crate::network::Network;
use std::collections::BTreeSet;
use std::net::IpAddr;

/// What is to be said of the VIPs of `config` in this network.
pub(super) fn findings(config: &Config, network: &Network) -> Vec<Finding> {
    let vips: BTreeSet<IpAddr> = config.services.iter().map(|service| service.vip).collect();
    vips.into_iter().map(|vip| finding(config, network, vip)).collect()
}

fn finding(config: &Config, network: &Network, vip: IpAddr) -> Finding {
    let interface = config.interfaces.first().map_or("INTERFACE", |name| name.as_str());
    let on = |ifindex| network.links.get(&ifindex).map_or("an interface that is not Ethernet", |link| &link.name);
    if let Some(own) = network.addresses.iter().find(|own| own.address == vip) {
        return Finding::new(Check::VipIsLocal, vip, &[], format!("it is an address of {}", on(own.ifindex)));
    }
    let connected = network.addresses.iter().find(|own| own.connects(vip) && network.links.contains_key(&own.ifindex));
    let found = match connected {
        Some(own) => {
            format!("hosts on the segment of {} ask by ARP for it, and this one does not answer", on(own.ifindex))
        }
        None => "it is in no subnet of this machine".to_owned(),
    };
    Finding::new(Check::VipNotLocal, vip, &[("VIP", &vip), ("INTERFACE", &interface)], found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::testing;
    use std::path::Path;

    fn found(vip: &str) -> (&'static str, String) {
        let text = format!(
            "[agent]\ninterfaces = [\"eth0\"]\n[[service]]\nname = \"web\"\nvip = \"{vip}\"\nport = 80\n\
             backends = [{{ name = \"web-1\", address = \"10.0.0.9\" }}]\n"
        );
        let config = Config::parse(Path::new("test"), &text).expect("a configuration");
        let mut network = testing::network();
        network.addresses.push(testing::address(2, "192.0.2.10", 32));
        let mut findings = findings(&config, &network);
        (findings[0].name, findings.remove(0).found)
    }

    #[test]
    fn where_the_vip_is_decides_what_to_look_at() {
        assert_eq!(found("192.0.2.10"), ("vip-is-local", "it is an address of eth0".to_owned()));
        assert_eq!(found("192.0.2.11"), ("vip-not-local", "it is in no subnet of this machine".to_owned()));
        let (name, text) = found("10.0.0.200");
        assert_eq!(name, "vip-not-local");
        assert!(text.contains("segment of eth0"), "{text}");
    }
}
