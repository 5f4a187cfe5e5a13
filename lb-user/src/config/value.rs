//! Single values of the file. Each comes back checked, or not at all and with a problem.

use super::check::Checker;
use super::model::{FlowTable, InterfaceName, to_ticks};
use lb_common::abi::Ticks;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::time::Duration;
use toml::Spanned;

/// The longest duration: the clock of the flow table measures up to 104 days.
const LONGEST: Duration = Duration::from_secs(90 * 24 * 3_600);

impl Checker {
    pub(super) fn name(&mut self, about: &str, name: &Spanned<String>) -> Option<String> {
        let text = name.get_ref();
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if text.is_empty() || text.len() > 63 || !text.chars().all(allowed) {
            let message = format!("{about}: a name has 1 to 63 letters, digits, '-', '_' or '.'");
            return self.problems.reject(name, message);
        }
        Some(text.clone())
    }

    pub(super) fn interface_name(&mut self, key: &str, name: &Spanned<String>) -> Option<InterfaceName> {
        let text = name.get_ref();
        // What the kernel's `dev_valid_name` refuses, and what cannot be printed.
        let refused = |c: char| matches!(c, '/' | ':') || c.is_whitespace() || c.is_control();
        if text.is_empty() || text.len() > 15 || text.contains(refused) || matches!(text.as_str(), "." | "..") {
            let message = format!("{key} {text:?} cannot be: a name has 1 to 15 bytes, no '/', no ':' and no spaces");
            return self.problems.reject(name, message);
        }
        Some(InterfaceName(text.clone()))
    }

    pub(super) fn port(&mut self, key: &str, port: &Spanned<i64>) -> Option<u16> {
        match u16::try_from(*port.get_ref()) {
            Ok(number) if number > 0 => Some(number),
            _ => self.problems.reject(port, format!("{key} {} cannot be: use 1 to 65535", port.get_ref())),
        }
    }

    pub(super) fn address(&mut self, key: &str, text: &Spanned<String>) -> Option<Ipv4Addr> {
        let Ok(address) = text.get_ref().parse::<Ipv4Addr>() else {
            let message = format!("{key} {:?} is not an IPv4 address, as 192.0.2.10", text.get_ref());
            return self.problems.reject(text, message);
        };
        if address.is_unspecified() || address.is_broadcast() || address.is_multicast() || address.is_loopback() {
            let message = format!("{key} {address} cannot be a host on the network: use a unicast address");
            return self.problems.reject(text, message);
        }
        Some(address)
    }

    pub(super) fn path(&mut self, key: &str, text: Option<&Spanned<String>>, default: &str) -> Option<PathBuf> {
        let Some(text) = text else {
            return Some(PathBuf::from(default));
        };
        let path = PathBuf::from(text.get_ref());
        if !path.is_absolute() {
            return self.problems.reject(text, format!("{key} {path:?} is not an absolute path, as {default}"));
        }
        Some(path)
    }

    pub(super) fn duration(&mut self, key: &str, text: &Spanned<String>, shortest: Duration) -> Option<Duration> {
        let Ok(duration) = humantime::parse_duration(text.get_ref()) else {
            let message = format!("{key} {:?} is not a duration, as 90s, 15m or 1h", text.get_ref());
            return self.problems.reject(text, message);
        };
        if !(shortest..=LONGEST).contains(&duration) {
            let shortest = humantime::format_duration(shortest);
            let message = format!("{key} {:?} is out of range: use {shortest} to 90days", text.get_ref());
            return self.problems.reject(text, message);
        }
        Some(duration)
    }

    pub(super) fn timeout(&mut self, key: &str, text: Option<&Spanned<String>>, default: Ticks) -> Option<Ticks> {
        match text {
            None => Some(default),
            Some(text) => self.duration(&format!("flow-table: {key}"), text, Duration::from_secs(1)).map(to_ticks),
        }
    }

    pub(super) fn flows(&mut self, flows: Option<&Spanned<i64>>) -> Option<u32> {
        let Some(flows) = flows else {
            return Some(FlowTable::DEFAULT.flows);
        };
        match u32::try_from(*flows.get_ref()) {
            Ok(count) if count.is_power_of_two() && FlowTable::FLOWS.contains(&count) => Some(count),
            _ => {
                let (least, most) = FlowTable::FLOWS.into_inner();
                let count = flows.get_ref();
                let message = format!(
                    "flow-table: flows {count} cannot be: use a power of two from {least} to {most}, as 1048576"
                );
                self.problems.reject(flows, message)
            }
        }
    }

    /// One of `choices` by its name, the first one without any.
    pub(super) fn choice<T: Copy>(
        &mut self,
        key: &str,
        text: Option<&Spanned<String>>,
        choices: &[(&str, T)],
    ) -> Option<T> {
        let Some(text) = text else {
            return choices.first().map(|&(_, default)| default);
        };
        if let Some(&(_, choice)) = choices.iter().find(|(name, _)| name == text.get_ref()) {
            return Some(choice);
        }
        let names: Vec<_> = choices.iter().map(|(name, _)| format!("{name:?}")).collect();
        let message = format!("{key} {:?} is not known: use {}", text.get_ref(), names.join(" or "));
        self.problems.reject(text, message)
    }
}
