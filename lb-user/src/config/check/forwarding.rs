//! How packets get to the back-ends, and where outer packets come from.

use super::Checker;
use crate::config::file;
use crate::config::model::{Forwarding, Prefix, Tunnel};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use toml::Spanned;

/// [`Forwarding`] by name alone.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    L2Dsr,
    Ipip,
    Gue,
}

// The first is the default.
const MODES: [(&str, Mode); 3] = [("l2-dsr", Mode::L2Dsr), ("ipip", Mode::Ipip), ("gue", Mode::Gue)];

/// Prefixes whose addresses are no host's on the network, or mean nothing beyond one segment.
const NO_HOSTS: [Prefix; 6] = [
    Prefix { address: IpAddr::V4(Ipv4Addr::UNSPECIFIED), len: 8 },
    Prefix { address: IpAddr::V4(Ipv4Addr::new(127, 0, 0, 0)), len: 8 },
    // Multicast, and what is reserved behind it.
    Prefix { address: IpAddr::V4(Ipv4Addr::new(224, 0, 0, 0)), len: 3 },
    // The unspecified address and loopback.
    Prefix { address: IpAddr::V6(Ipv6Addr::UNSPECIFIED), len: 127 },
    Prefix { address: IpAddr::V6(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0)), len: 10 },
    Prefix { address: IpAddr::V6(Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0)), len: 8 },
];

impl Checker<'_> {
    pub(super) fn forwarding(&mut self, about: &str, service: &file::Service) -> Option<Forwarding> {
        let mode = self.choice(&format!("{about}: forwarding"), service.forwarding.as_ref(), &MODES);
        let tunnel = self.tunnel(about, mode, service);
        let port = self.gue_port(about, mode, service.gue_port.as_ref());
        Some(match mode? {
            Mode::L2Dsr => Forwarding::L2Dsr,
            Mode::Ipip => Forwarding::Ipip(tunnel?),
            Mode::Gue => Forwarding::Gue(tunnel?, port?),
        })
    }

    fn tunnel(&mut self, about: &str, mode: Option<Mode>, service: &file::Service) -> Option<Tunnel> {
        let mut tunnel = Tunnel::default();
        let Some(sources) = &service.tunnel_source else {
            return Some(tunnel);
        };
        let key = &format!("{about}: tunnel-source");
        if mode == Some(Mode::L2Dsr) {
            self.problems.add(sources, format!("{key} has no meaning with l2-dsr: it is for ipip and gue"));
        }
        let checked: Vec<_> = sources.get_ref().iter().map(|text| Some((text, self.source(key, text)?))).collect();
        for (text, prefix) in checked.into_iter().collect::<Option<Vec<_>>>()? {
            let (source, family) = match prefix.address {
                IpAddr::V4(_) => (&mut tunnel.source_v4, "IPv4"),
                IpAddr::V6(_) => (&mut tunnel.source_v6, "IPv6"),
            };
            if source.replace(prefix).is_some() {
                self.problems.add(text, format!("{key} {prefix} is the second {family} prefix: one is possible"));
            } else if !leads_anywhere(prefix, service.backends.get_ref()) {
                let message = format!("{key} {prefix} has no use: no back-end has an {family} address; leave it out");
                self.problems.add(text, message);
            }
        }
        Some(tunnel)
    }

    /// A prefix that hosts on the network may have addresses of.
    fn source(&mut self, key: &str, text: &Spanned<String>) -> Option<Prefix> {
        let prefix = self.prefix(key, text)?;
        if let Some(others) = NO_HOSTS.into_iter().find(|others| others.overlaps(prefix)) {
            let message = format!(
                "{key} {prefix} cannot be where packets come from: {others} has no hosts; use a unicast prefix outside of it"
            );
            return self.problems.reject(text, message);
        }
        Some(prefix)
    }

    fn gue_port(&mut self, about: &str, mode: Option<Mode>, port: Option<&Spanned<i64>>) -> Option<u16> {
        let Some(port) = port else {
            return Some(Forwarding::DEFAULT_GUE_PORT);
        };
        if mode.is_some_and(|mode| mode != Mode::Gue) {
            self.problems.add(port, format!("{about}: gue-port has no meaning without forwarding = \"gue\""));
        }
        self.whole(&format!("{about}: gue-port"), port, 1..=u16::MAX)
    }
}

/// Whether tunnels that begin in `source` could end at one of the back-ends: both are of one family. A back-end whose address is a
/// mistake could be of either.
fn leads_anywhere(source: Prefix, backends: &[Spanned<file::Backend>]) -> bool {
    let mut addresses = backends.iter().map(|backend| backend.get_ref().address.get_ref().parse::<IpAddr>());
    backends.is_empty() || addresses.any(|address| address.map_or(true, |it| it.is_ipv4() == source.address.is_ipv4()))
}
