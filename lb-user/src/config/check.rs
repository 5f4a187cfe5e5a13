//! From the shape of the file to checked types. Goes on after a mistake, to report them all.

use super::Problem;
use super::file::{self, line_at};
use super::model::{
    Backend, Config, FlowTable, Forwarding, InterfaceName, Protocol, Scheduler, Service, XdpMode, to_ticks,
};
use lb_common::abi::{MAX_BACKENDS, MAX_BACKENDS_PER_SERVICE, MAX_DEVICES, MAX_SERVICES, Ticks, Timeouts};
use lb_common::flow_table::FlowState;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::time::Duration;
use toml::Spanned;

/// Checks everything that `file` says.
pub(super) fn check(text: &str, file: file::File) -> Result<Config, Vec<Problem>> {
    let mut checker = Checker { text, problems: Vec::new() };
    let config = checker.config(file);
    if checker.problems.is_empty() { Ok(config) } else { Err(checker.problems) }
}

struct Checker<'a> {
    text: &'a str,
    problems: Vec<Problem>,
}

impl Checker<'_> {
    fn config(&mut self, file: file::File) -> Config {
        let agent = file.agent.into_inner();
        Config {
            interfaces: self.interfaces(&agent.interfaces),
            xdp_mode: self.choice("agent: xdp-mode", agent.xdp_mode.as_ref(), &XDP_MODES, XdpMode::Auto),
            control_socket: self.path("agent: control-socket", agent.control_socket, "/run/handoff/control.sock"),
            pin_folder: self.path("agent: pin-folder", agent.pin_folder, "/sys/fs/bpf/handoff"),
            removal_grace: self.duration("agent: removal-grace", agent.removal_grace.as_ref(), Duration::from_secs(60)),
            flow_table: self.flow_table(&file.flow_table),
            services: self.services(&file.services),
        }
    }

    fn interfaces(&mut self, interfaces: &Spanned<Vec<Spanned<String>>>) -> Vec<InterfaceName> {
        let names = interfaces.get_ref();
        if names.is_empty() {
            self.problem(interfaces, "agent: interfaces is empty: name the interface that clients' packets arrive by");
        }
        if names.len() > MAX_DEVICES {
            self.problem(interfaces, format!("agent: {} interfaces: at most {MAX_DEVICES} are possible", names.len()));
        }
        let mut seen = Seen::default();
        for name in names {
            let text = name.get_ref();
            if text.is_empty() || text.len() > 15 || text.contains(|c: char| c == '/' || c.is_whitespace()) {
                self.problem(
                    name,
                    format!("agent: interface {text:?} cannot be: a name has 1 to 15 bytes, no '/' and no spaces"),
                );
            }
            if let Some(line) = seen.again(text.clone(), self.line(name)) {
                self.problem(name, format!("agent: interface \"{text}\" is already in line {line}: name it once"));
            }
        }
        names.iter().map(|name| InterfaceName(name.get_ref().clone())).collect()
    }

    fn flow_table(&mut self, table: &file::FlowTable) -> FlowTable {
        FlowTable {
            flows: self.flows(table.flows.as_ref()),
            timeouts: Timeouts::new(
                self.timeout("half-open-timeout", table.half_open_timeout.as_ref(), FlowState::HALF_OPEN),
                self.timeout("tcp-timeout", table.tcp_timeout.as_ref(), FlowState::ESTABLISHED),
                self.timeout("closing-timeout", table.closing_timeout.as_ref(), FlowState::CLOSING),
                self.timeout("udp-timeout", table.udp_timeout.as_ref(), FlowState::DATAGRAMS),
                self.idle_after(table.idle_after.as_ref()),
            ),
        }
    }

    fn flows(&mut self, flows: Option<&Spanned<i64>>) -> u32 {
        const RANGE: std::ops::RangeInclusive<i64> = 1 << 10..=1 << 26;
        let Some(flows) = flows else { return FlowTable::DEFAULT.flows };
        match u32::try_from(*flows.get_ref()) {
            Ok(count) if count.is_power_of_two() && RANGE.contains(&i64::from(count)) => count,
            _ => {
                let message = format!(
                    "flow-table: flows is {}: it must be a power of two from 1024 to 67108864, as 1048576",
                    flows.get_ref()
                );
                self.problem(flows, message);
                FlowTable::DEFAULT.flows
            }
        }
    }

    fn timeout(&mut self, key: &str, value: Option<&Spanned<String>>, state: FlowState) -> Ticks {
        let default = Timeouts::DEFAULT.expired[state.index()];
        value.map_or(default, |value| self.ticks(&format!("flow-table: {key}"), value))
    }

    fn idle_after(&mut self, value: Option<&Spanned<String>>) -> Ticks {
        let default = Timeouts::DEFAULT.idle[FlowState::ESTABLISHED.index()];
        value.map_or(default, |value| self.ticks("flow-table: idle-after", value))
    }

    /// A duration that the clock of the flow table can measure.
    fn ticks(&mut self, key: &str, value: &Spanned<String>) -> Ticks {
        const LONGEST: Duration = Duration::from_secs(90 * 24 * 3_600);
        let duration = self.duration(key, Some(value), Duration::from_secs(1));
        if duration.is_zero() || duration > LONGEST {
            self.problem(value, format!("{key} is \"{}\": it must be from 1s to 90days", value.get_ref()));
        }
        to_ticks(duration)
    }

    fn services(&mut self, services: &[Spanned<file::Service>]) -> Vec<Service> {
        let backends: usize = services.iter().map(|service| service.get_ref().backends.get_ref().len()).sum();
        if let Some(first) = services.first() {
            if services.len() > MAX_SERVICES as usize {
                self.problem(first, format!("{} services: at most {MAX_SERVICES} are possible", services.len()));
            }
            if backends > MAX_BACKENDS as usize {
                self.problem(
                    first,
                    format!("{backends} back-ends in all services: at most {MAX_BACKENDS} are possible"),
                );
            }
        }
        let mut names = Seen::default();
        let mut keys = Seen::default();
        let mut checked = Vec::new();
        for service in services {
            let service = service.get_ref();
            if let Some(line) = names.again(service.name.get_ref().clone(), self.line(&service.name)) {
                let message =
                    format!("service \"{}\": the name is already taken in line {line}", service.name.get_ref());
                self.problem(&service.name, message);
            }
            let problems = self.problems.len();
            let model = self.service(service);
            // A duplicate of a mistaken address or port would only be noise.
            if self.problems.len() == problems
                && let Some(line) = keys.again(model.key(), self.line(&service.vip))
            {
                let message = format!(
                    "service \"{}\": {}:{}/{} is already a service, in line {line}: give one of them another port or VIP",
                    model.name, model.vip, model.port, model.protocol
                );
                self.problem(&service.vip, message);
            }
            checked.push(model);
        }
        checked
    }

    fn service(&mut self, service: &file::Service) -> Service {
        let name = service.name.get_ref();
        let about = format!("service \"{name}\"");
        self.name(&about, &service.name);
        Service {
            name: name.clone(),
            vip: self.address(&format!("{about}: vip"), &service.vip),
            port: self.port(&about, &service.port),
            protocol: self.choice(&format!("{about}: protocol"), service.protocol.as_ref(), &PROTOCOLS, Protocol::Tcp),
            scheduler: self.choice(
                &format!("{about}: scheduler"),
                service.scheduler.as_ref(),
                &SCHEDULERS,
                Scheduler::RoundRobin,
            ),
            forwarding: self.choice(
                &format!("{about}: forwarding"),
                service.forwarding.as_ref(),
                &FORWARDINGS,
                Forwarding::L2Dsr,
            ),
            backends: self.backends(&about, service),
        }
    }

    fn backends(&mut self, about: &str, service: &file::Service) -> Vec<Backend> {
        let backends = service.backends.get_ref();
        if backends.len() > MAX_BACKENDS_PER_SERVICE {
            self.problem(
                &service.backends,
                format!("{about}: {} back-ends: at most {MAX_BACKENDS_PER_SERVICE} are possible", backends.len()),
            );
        }
        let mut names = Seen::default();
        let mut addresses = Seen::default();
        let mut checked = Vec::new();
        for backend in backends {
            let backend = backend.get_ref();
            let name = backend.name.get_ref();
            let about = format!("{about}: back-end \"{name}\"");
            self.name(&about, &backend.name);
            if let Some(line) = names.again(name.clone(), self.line(&backend.name)) {
                self.problem(&backend.name, format!("{about}: the name is already taken in line {line}"));
            }
            let address = self.address(&format!("{about}: address"), &backend.address);
            if address == Ipv4Addr::UNSPECIFIED {
                continue;
            }
            if let Some(line) = addresses.again(address, self.line(&backend.address)) {
                let message = format!("{about}: {address} is already a back-end of this service, in line {line}");
                self.problem(&backend.address, message);
            }
            if service.vip.get_ref() == backend.address.get_ref() {
                let message = format!(
                    "{about}: {address} is the VIP: give the back-end's own address, the one it has besides the VIP"
                );
                self.problem(&backend.address, message);
            }
            checked.push(Backend { name: name.clone(), address });
        }
        checked
    }

    fn name(&mut self, about: &str, name: &Spanned<String>) {
        let text = name.get_ref();
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if text.is_empty() || text.len() > 63 || !text.chars().all(allowed) {
            self.problem(name, format!("{about}: a name has 1 to 63 letters, digits, '-', '_' or '.'"));
        }
    }

    fn port(&mut self, about: &str, port: &Spanned<i64>) -> u16 {
        match u16::try_from(*port.get_ref()) {
            Ok(number) if number > 0 => number,
            _ => {
                self.problem(port, format!("{about}: port {} cannot be: use 1 to 65535", port.get_ref()));
                0
            }
        }
    }

    /// The address, or 0.0.0.0 after a problem.
    fn address(&mut self, key: &str, text: &Spanned<String>) -> Ipv4Addr {
        let address = match text.get_ref().parse::<Ipv4Addr>() {
            Ok(address) => address,
            Err(_) => {
                let message = format!("{key} {:?} is not an IPv4 address, as 192.0.2.10", text.get_ref());
                self.problem(text, message);
                return Ipv4Addr::UNSPECIFIED;
            }
        };
        if address.is_unspecified() || address.is_broadcast() || address.is_multicast() || address.is_loopback() {
            self.problem(text, format!("{key} {address} cannot be a host on the network: use a unicast address"));
            return Ipv4Addr::UNSPECIFIED;
        }
        address
    }

    fn path(&mut self, key: &str, path: Option<Spanned<String>>, default: &str) -> PathBuf {
        let Some(path) = path else { return PathBuf::from(default) };
        if !path.get_ref().starts_with('/') {
            self.problem(&path, format!("{key} {:?} is not an absolute path, as {default}", path.get_ref()));
        }
        PathBuf::from(path.into_inner())
    }

    fn duration(&mut self, key: &str, text: Option<&Spanned<String>>, default: Duration) -> Duration {
        let Some(text) = text else { return default };
        humantime::parse_duration(text.get_ref()).unwrap_or_else(|_| {
            self.problem(text, format!("{key} {:?} is not a duration, as 90s, 15m or 1h", text.get_ref()));
            default
        })
    }

    fn choice<T: Copy>(&mut self, key: &str, text: Option<&Spanned<String>>, choices: &[(&str, T)], default: T) -> T {
        let Some(text) = text else { return default };
        let chosen = choices.iter().find(|(name, _)| name == text.get_ref());
        chosen.map_or_else(
            || {
                let names: Vec<_> = choices.iter().map(|(name, _)| format!("\"{name}\"")).collect();
                self.problem(text, format!("{key} {:?} is not known: use {}", text.get_ref(), names.join(" or ")));
                default
            },
            |&(_, choice)| choice,
        )
    }

    fn problem<T>(&mut self, place: &Spanned<T>, message: impl Into<String>) {
        let line = self.line(place);
        self.problems.push(Problem { line, message: message.into() });
    }

    fn line<T>(&self, place: &Spanned<T>) -> usize {
        line_at(self.text, place.span().start)
    }
}

const XDP_MODES: [(&str, XdpMode); 3] =
    [("auto", XdpMode::Auto), ("native", XdpMode::Native), ("generic", XdpMode::Generic)];
const PROTOCOLS: [(&str, Protocol); 2] = [("tcp", Protocol::Tcp), ("udp", Protocol::Udp)];
const SCHEDULERS: [(&str, Scheduler); 1] = [("round-robin", Scheduler::RoundRobin)];
const FORWARDINGS: [(&str, Forwarding); 1] = [("l2-dsr", Forwarding::L2Dsr)];

/// Where each value was seen first.
struct Seen<T>(BTreeMap<T, usize>);

impl<T> Default for Seen<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<T: Ord> Seen<T> {
    /// The line that `value` was seen in before, if it was.
    fn again(&mut self, value: T, line: usize) -> Option<usize> {
        match self.0.get(&value) {
            Some(&first) => Some(first),
            None => {
                self.0.insert(value, line);
                None
            }
        }
    }
}
