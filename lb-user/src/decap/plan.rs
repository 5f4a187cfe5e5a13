//! Which settings and addresses have to change. Knows nothing of how.

use super::host::{Interfaces, Link};
use super::settings::{Settings, key};
use super::{Change, Error, Options};
use std::collections::BTreeSet;
use std::net::IpAddr;

/// The interfaces that packets for the VIPs arrive by, each once.
pub(super) fn arrival(options: &Options, host: &Interfaces) -> Result<Vec<Link>, Error> {
    let names: BTreeSet<&String> = options.interfaces.iter().collect();
    let link = |name: &String| {
        host.links.values().find(|link| link.is_ethernet && link.name == *name).cloned().ok_or_else(|| {
            let ethernet = host.links.values().filter(|link| link.is_ethernet);
            let known: Vec<&str> = ethernet.map(|link| link.name.as_str()).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            Error::NoInterface { interface: name.clone(), known }
        })
    };
    names.into_iter().map(link).collect()
}

/// What has to change, in this order: ARP is silent before a VIP is there, and a filter is handed on before it is taken away.
pub(super) fn changes(
    options: &Options,
    arrival: &[Link],
    host: &Interfaces,
    settings: &Settings,
) -> Result<Vec<Change>, Error> {
    let arrival: BTreeSet<u32> = arrival.iter().flat_map(|link| host.stack(link.index)).collect();
    let mut changes = Vec::new();
    if options.vips.iter().any(IpAddr::is_ipv4) {
        changes.extend(silence(settings));
        if options.tunnels.is_some() {
            let names = arrival.iter().filter_map(|index| Some(host.links.get(index)?.name.as_str()));
            changes.extend(admission(settings, &names.collect()));
        }
    }
    changes.extend(vips(options, host, &arrival)?);
    Ok(changes)
}

/// No interface answers ARP for addresses of another one, or asks with them: loopback's VIPs are the balancer's alone to announce. IPv6
/// needs nothing: the kernel answers neighbour solicitations only for addresses of the interface that they came in by.
fn silence(settings: &Settings) -> impl Iterator<Item = Change> {
    // 1, 2 and 8 keep silent about loopback's addresses; 0 does not, and 3 tells them by their scope.
    let ignore = (!matches!(settings.arp_ignore, 1 | 2 | 8)).then(|| Change::Setting {
        key: key("all", "arp_ignore"),
        former: settings.arp_ignore,
        value: 1,
    });
    let announce = (settings.arp_announce < 2).then(|| Change::Setting {
        key: key("all", "arp_announce"),
        former: settings.arp_announce,
        value: 2,
    });
    ignore.into_iter().chain(announce)
}

/// What comes out of a tunnel is from clients that may be behind any interface, so the interfaces `arrival` must not ask where. The
/// greater value of an interface and of `all` counts: where `all` has to give way, others take its value over.
fn admission(settings: &Settings, arrival: &BTreeSet<&str>) -> Vec<Change> {
    let of_all = settings.rp_filter.get("all").copied().unwrap_or(0);
    let set = |interface: &str, former, value| Change::Setting { key: key(interface, "rp_filter"), former, value };
    let (open, others): (Vec<_>, Vec<_>) = settings
        .rp_filter
        .iter()
        .map(|(interface, &value)| (interface.as_str(), value))
        .filter(|&(interface, _)| interface != "all")
        .partition(|(interface, _)| arrival.contains(interface));
    let kept = others.iter().filter(|&&(_, value)| value < of_all).map(|&(other, value)| set(other, value, of_all));
    let all = (of_all != 0).then(|| set("all", of_all, 0));
    let opened = open.iter().filter(|&&(_, value)| value != 0).map(|&(interface, value)| set(interface, value, 0));
    kept.chain(all).chain(opened).collect()
}

/// The VIPs that the host does not have yet.
fn vips(options: &Options, host: &Interfaces, arrival: &BTreeSet<u32>) -> Result<Vec<Change>, Error> {
    let mut missing = Vec::new();
    for &vip in options.vips.iter().collect::<BTreeSet<_>>() {
        let mut present = host.addresses.iter().filter(|own| own.address == vip).peekable();
        if present.peek().is_none() {
            missing.push(Change::Vip { address: vip });
        }
        if let Some(own) = present.find(|own| arrival.contains(&own.index)) {
            let interface = host.links.get(&own.index).map_or_else(String::new, |link| link.name.clone());
            return Err(Error::Announced { vip, len: own.prefix_len, interface });
        }
    }
    Ok(missing)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::XdpMode;
    use crate::decap::Tunnels;
    use crate::decap::host::Own;
    use std::path::PathBuf;

    const VIP: &str = "192.0.2.10";

    /// lo; eth0 in br0, on which there is VLAN interface br0.7; eth1. br0.7 has an address, and eth1.
    fn host() -> Interfaces {
        let link = |index, name: &str, below: &[u32]| {
            let (name, below) = (name.to_owned(), below.to_vec());
            (index, Link { index, is_ethernet: name != "lo", name, below })
        };
        let own = |index, address: &str, prefix_len| Own { index, address: address.parse().unwrap(), prefix_len };
        Interfaces {
            links: [
                link(1, "lo", &[]),
                link(2, "eth0", &[]),
                link(3, "eth1", &[]),
                link(4, "br0", &[2]),
                link(5, "br0.7", &[4]),
            ]
            .into(),
            addresses: vec![own(1, "127.0.0.1", 8), own(3, "198.51.100.2", 24), own(5, "10.0.0.2", 24)],
        }
    }

    fn options(interface: &str, vips: &[&str], tunnels: bool) -> Options {
        Options {
            interfaces: vec![interface.to_owned()],
            vips: vips.iter().map(|vip| vip.parse().unwrap()).collect(),
            tunnels: tunnels.then(|| Tunnels { sources: Vec::new(), gue_port: 6080, xdp_mode: XdpMode::Auto }),
            run_folder: PathBuf::from("/run/handoff"),
            statistics: None,
        }
    }

    fn settings(arp: [u8; 2], rp_filter: &[(&str, u8)]) -> Settings {
        let rp_filter = rp_filter.iter().map(|&(interface, value)| (interface.to_owned(), value)).collect();
        Settings { arp_ignore: arp[0], arp_announce: arp[1], rp_filter }
    }

    fn changes(options: &Options, host: &Interfaces, settings: &Settings) -> Result<Vec<Change>, Error> {
        super::changes(options, &arrival(options, host)?, host, settings)
    }

    /// Keys from `net/ipv4/conf/` on.
    fn planned(options: &Options, settings: &Settings) -> Vec<String> {
        let changes = changes(options, &host(), settings).unwrap();
        changes.iter().map(|change| change.to_string().replace("net/ipv4/conf/", "")).collect()
    }

    const SILENT: [u8; 2] = [1, 2];

    #[test]
    fn arp_is_silenced_before_a_vip_is_there() {
        let planned = planned(&options("eth1", &[VIP], false), &settings([0, 0], &[("all", 1)]));
        assert_eq!(planned, ["all/arp_ignore 0 -> 1", "all/arp_announce 0 -> 2", "192.0.2.10 on lo"]);
    }

    #[test]
    fn what_is_silent_enough_stays() {
        for (arp, expected) in [
            ([1, 2], vec![]),
            ([2, 2], vec![]),
            ([8, 2], vec![]),
            ([3, 2], vec!["all/arp_ignore 3 -> 1"]),
            ([1, 1], vec!["all/arp_announce 1 -> 2"]),
        ] {
            let planned = planned(&options("eth1", &[VIP], false), &settings(arp, &[]));
            assert_eq!(planned[..planned.len() - 1], expected, "{arp:?}");
        }
    }

    #[test]
    fn the_filter_opens_on_the_interface_and_all_that_is_stacked_on_it() {
        let filter = settings(SILENT, &[("all", 0), ("br0", 2), ("br0.7", 1), ("eth0", 1), ("eth1", 1), ("lo", 0)]);
        let planned = planned(&options("eth0", &[VIP], true), &filter);
        assert_eq!(
            planned,
            ["br0/rp_filter 2 -> 0", "br0.7/rp_filter 1 -> 0", "eth0/rp_filter 1 -> 0", "192.0.2.10 on lo"]
        );
    }

    #[test]
    fn other_interfaces_filter_as_before_when_all_gives_way() {
        let filter = settings(SILENT, &[("all", 1), ("default", 0), ("eth0", 2), ("eth1", 0), ("lo", 1)]);
        let planned = planned(&options("eth1", &[VIP], true), &filter);
        assert_eq!(planned, ["default/rp_filter 0 -> 1", "all/rp_filter 1 -> 0", "192.0.2.10 on lo"]);
    }

    #[test]
    fn ipv6_needs_no_settings() {
        let planned = planned(&options("eth0", &["2001:db8::10"], true), &settings([0, 0], &[("all", 1)]));
        assert_eq!(planned, ["2001:db8::10 on lo"]);
    }

    #[test]
    fn a_vip_is_added_once_and_only_where_there_is_none() {
        let mut host = host();
        host.addresses.push(Own { index: 1, address: VIP.parse().unwrap(), prefix_len: 32 });
        let options = options("eth0", &[VIP, "192.0.2.11", "192.0.2.11"], false);
        let changes = changes(&options, &host, &settings(SILENT, &[])).unwrap();
        assert_eq!(changes, [Change::Vip { address: "192.0.2.11".parse().unwrap() }]);
    }

    #[test]
    fn a_vip_where_packets_arrive_is_refused() {
        for (interface, vip, error) in [
            ("eth0", "10.0.0.2", Some("VIP 10.0.0.2 is an address of br0.7")),
            ("eth1", "198.51.100.2", Some("VIP 198.51.100.2 is an address of eth1")),
            ("eth1", "10.0.0.2", None),
        ] {
            let refused = changes(&options(interface, &[vip], false), &host(), &settings(SILENT, &[]));
            let refused = refused.err().map(|error| error.to_string());
            assert_eq!(refused.as_deref().and_then(|text| text.split(',').next()), error);
        }
    }

    #[test]
    fn only_an_ethernet_interface_will_do() {
        for interface in ["eth7", "lo"] {
            let refused = arrival(&options(interface, &[VIP], true), &host()).unwrap_err();
            let text = format!(
                "interface {interface}: this machine has no such Ethernet interface; it has eth0, eth1, br0, br0.7"
            );
            assert_eq!(refused.to_string(), text);
        }
    }
}
