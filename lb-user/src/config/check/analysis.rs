//! `[analysis]` and `[applications]`: what is found out about the traffic.

use super::Checker;
use crate::config::file;
use crate::config::model::{Analysis, Protocol};
use crate::config::problems::Seen;
use std::collections::BTreeMap;
use toml::Spanned;

impl Checker<'_> {
    pub(super) fn analysis(&mut self, analysis: &file::Analysis) -> Option<Analysis> {
        let default = Analysis::DEFAULT;
        let samples = self.whole_or(default.samples, "analysis: samples", analysis.samples.as_ref(), Analysis::SAMPLES);
        Some(Analysis {
            samples: samples?,
            server_names: analysis.server_names.unwrap_or(default.server_names),
            history: analysis.history.unwrap_or(default.history),
        })
    }

    /// The names by port.
    pub(super) fn applications(
        &mut self,
        applications: &BTreeMap<Spanned<String>, Spanned<String>>,
    ) -> Option<BTreeMap<(Protocol, u16), String>> {
        let mut seen = Seen::default();
        let mut checked = BTreeMap::new();
        for (name, port) in applications {
            let (name, port) = (self.name("applications", name), self.application_port(port, &mut seen));
            checked.insert(port?, name?);
        }
        Some(checked)
    }

    fn application_port(
        &mut self,
        text: &Spanned<String>,
        seen: &mut Seen<(Protocol, u16)>,
    ) -> Option<(Protocol, u16)> {
        let Some((protocol, port)) = parse(text.get_ref()) else {
            let message = format!("applications: {:?} is not a port with a protocol, as \"5432/tcp\"", text.get_ref());
            return self.problems.reject(text, message);
        };
        seen.once((protocol, port), text, &mut self.problems, |line| {
            format!("applications: {port}/{protocol} already has a name, in line {line}: give it one")
        });
        Some((protocol, port))
    }
}

fn parse(text: &str) -> Option<(Protocol, u16)> {
    let (port, protocol) = text.split_once('/')?;
    let protocol = [Protocol::Tcp, Protocol::Udp, Protocol::Sctp].into_iter().find(|it| it.to_string() == protocol);
    Some((protocol?, port.parse().ok().filter(|&port| port > 0)?))
}
