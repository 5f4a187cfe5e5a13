//! How packets get to the back-ends, and where outer packets come from.

use super::Checker;
use crate::config::file;
use crate::config::model::{Forwarding, Prefix, Tunnel};
use std::net::IpAddr;
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

impl Checker<'_> {
    pub(super) fn forwarding(&mut self, about: &str, service: &file::Service) -> Option<Forwarding> {
        let mode = self.choice(&format!("{about}: forwarding"), service.forwarding.as_ref(), &MODES);
        let tunnel = self.tunnel(about, mode, service.tunnel_source.as_ref());
        let port = self.gue_port(about, mode, service.gue_port.as_ref());
        Some(match mode? {
            Mode::L2Dsr => Forwarding::L2Dsr,
            Mode::Ipip => Forwarding::Ipip(tunnel?),
            Mode::Gue => Forwarding::Gue(tunnel?, port?),
        })
    }

    fn tunnel(
        &mut self,
        about: &str,
        mode: Option<Mode>,
        sources: Option<&Spanned<Vec<Spanned<String>>>>,
    ) -> Option<Tunnel> {
        let mut tunnel = Tunnel::default();
        let Some(sources) = sources else {
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
            }
        }
        Some(tunnel)
    }

    /// A prefix that hosts on the network may have addresses of.
    fn source(&mut self, key: &str, text: &Spanned<String>) -> Option<Prefix> {
        let prefix = self.prefix(key, text)?;
        let first = prefix.address;
        if first.is_unspecified() || first.is_multicast() || first.is_loopback() {
            let message = format!("{key} {prefix} cannot be where packets come from: use a unicast prefix");
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
