//! A back-end: whether it gets packets for its VIPs, keeps silent about them, and can answer.
//!
//! | file | what it looks at |
//! |---|---|
//! | `address` | the VIPs among the host's addresses |
//! | `arp` | who is told of them |
//! | `tunnel` | whether packets get out of tunnels |
//! | `answer` | whether a server is there, and a way back to clients |

mod address;
mod answer;
mod arp;
mod tunnel;

use super::{Check, Finding};
use crate::config::Protocol;
use crate::network::{Link, Network};
use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

/// What there is to know of a back-end.
#[derive(Clone, Debug, Default)]
pub(super) struct Host {
    pub(super) vips: Vec<IpAddr>,
    /// What servers should listen on.
    pub(super) ports: BTreeSet<(Protocol, u16)>,
    /// Whether packets arrive in tunnels.
    pub(super) tunnels: bool,
    /// With the routes to `clients`.
    pub(super) network: Network,
    /// Interfaces that packets for the VIPs arrive by.
    pub(super) arrival: Vec<Arrival>,
    /// Settings of all interfaces: the greater value of these and an interface's own counts.
    pub(super) all: Settings,
    /// Addresses that the kernel does not use, because another host has them or may have.
    pub(super) undecided: BTreeSet<IpAddr>,
    /// Interfaces without IPv6.
    pub(super) without_ipv6: BTreeSet<String>,
    /// Tunnel devices of the kernel that are up.
    pub(super) tunnel_devices: BTreeSet<String>,
    /// Where servers listen.
    pub(super) listeners: BTreeSet<(Protocol, SocketAddr)>,
    /// Whom the host should be able to answer.
    pub(super) clients: Vec<IpAddr>,
}

/// An interface that packets for the VIPs arrive by.
#[derive(Clone, Debug)]
pub(super) struct Arrival {
    pub(super) name: String,
    /// `None` when there is no such Ethernet interface.
    pub(super) link: Option<Link>,
    pub(super) settings: Settings,
}

/// IPv4 settings of an interface.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Settings {
    pub(super) arp_ignore: u8,
    pub(super) arp_announce: u8,
    pub(super) rp_filter: u8,
}

pub(super) fn findings(host: &Host) -> Vec<Finding> {
    [arrival(host), address::findings(host), arp::findings(host), tunnel::findings(host), answer::findings(host)]
        .concat()
}

/// The interfaces themselves.
fn arrival(host: &Host) -> Vec<Finding> {
    let interfaces = host.arrival.iter().filter_map(|Arrival { name, link, .. }| {
        let (check, found) = match link {
            None => (Check::InterfaceMissing, "there is no Ethernet interface of this name"),
            Some(link) if !link.up => (Check::LinkDown, "it is switched off or has no carrier"),
            Some(_) => return None,
        };
        Some(Finding::new(check, name, &[("INTERFACE", name)], found))
    });
    interfaces.collect()
}

#[cfg(test)]
mod testing {
    use super::*;
    use crate::doctor::testing;
    use crate::network::{Route, XdpAttachment};

    /// A good back-end with VIPs of both families and a server behind tunnels.
    pub(super) fn host() -> Host {
        let link = Link { xdp: XdpAttachment::Native(7), mtu: 1_600, ..testing::link(2, "eth0") };
        let settings = Settings { arp_ignore: 1, arp_announce: 2, rp_filter: 0 };
        let mut network = testing::network();
        network.addresses.extend([testing::address(1, "192.0.2.10", 32), testing::address(1, "2001:db8::10", 128)]);
        let client = IpAddr::from([198, 51, 100, 1]);
        network.routes.insert(client, Route::Out { ifindex: 2, gateway: None, source: None, mtu: None });
        Host {
            vips: vec!["192.0.2.10".parse().expect("a VIP"), "2001:db8::10".parse().expect("a VIP")],
            ports: [(Protocol::Tcp, 443)].into(),
            tunnels: true,
            network,
            arrival: vec![Arrival { name: "eth0".to_owned(), link: Some(link), settings: Settings::default() }],
            all: settings,
            listeners: [(Protocol::Tcp, "[::]:443".parse().expect("an endpoint"))].into(),
            clients: vec![client],
            ..Host::default()
        }
    }

    /// What `findings` finds on a good back-end that differs like this.
    pub(super) fn names(findings: fn(&Host) -> Vec<Finding>, change: impl FnOnce(&mut Host)) -> Vec<&'static str> {
        let mut host = host();
        change(&mut host);
        findings(&host).iter().map(|finding| finding.name).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::testing::names;
    use super::*;

    #[test]
    fn nothing_is_wrong_with_a_good_back_end() {
        assert_eq!(names(findings, |_| {}), ["vip", "vip", "decapsulator", "listener", "listener"]);
    }

    #[test]
    fn its_interfaces_are_there_and_up() {
        assert_eq!(names(arrival, |host| host.arrival[0].link = None), ["interface-missing"]);
        let down = |host: &mut Host| host.arrival[0].link.as_mut().expect("a link").up = false;
        assert_eq!(names(arrival, down), ["link-down"]);
    }
}
