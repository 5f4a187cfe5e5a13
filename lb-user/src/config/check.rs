//! From the shape of the file to checked types. Goes on after a mistake, to report them all.

use super::Problem;
use super::file;
use super::model::{
    Backend, Config, DEFAULT_PIN_FOLDER, DEFAULT_SOCKET, FlowTable, Forwarding, InterfaceName, Protocol, Scheduler,
    Service, XdpMode,
};
use super::problems::{Problems, Seen};
use lb_common::abi::{MAX_BACKENDS, MAX_BACKENDS_PER_SERVICE, MAX_DEVICES, MAX_SERVICES, Timeouts};
use lb_common::flow_table::FlowState;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::Duration;
use toml::Spanned;

/// Checks everything that `file`, the shape of `text`, says.
pub(super) fn check(text: &str, file: &file::File) -> Result<Config, Vec<Problem>> {
    let mut checker = Checker::of(text, file);
    let config = checker.config(file);
    checker.problems.outcome(config)
}

/// A check under way. Its methods return what they checked, or `None` after a problem that leaves nothing to return.
pub(super) struct Checker {
    pub(super) problems: Problems,
    /// VIPs of all services, and the line of each.
    vips: BTreeMap<Ipv4Addr, usize>,
    names: Seen<String>,
    endpoints: Seen<(Ipv4Addr, u16, u8)>,
}

impl Checker {
    fn of(text: &str, file: &file::File) -> Self {
        let problems = Problems::of(text);
        let vips = file.services.iter().map(|service| &service.get_ref().vip);
        Self {
            vips: vips.filter_map(|vip| Some((vip.get_ref().parse().ok()?, problems.line(vip)))).collect(),
            problems,
            names: Seen::default(),
            endpoints: Seen::default(),
        }
    }

    fn config(&mut self, file: &file::File) -> Option<Config> {
        let agent = &file.agent;
        let interfaces = self.interfaces(&agent.interfaces);
        let xdp_mode = self.choice("agent: xdp-mode", agent.xdp_mode.as_ref(), &XDP_MODES);
        let control_socket = self.path("agent: control-socket", agent.control_socket.as_ref(), DEFAULT_SOCKET);
        let pin_folder = self.path("agent: pin-folder", agent.pin_folder.as_ref(), DEFAULT_PIN_FOLDER);
        let removal_grace = match &agent.removal_grace {
            None => Some(REMOVAL_GRACE),
            Some(text) => self.duration("agent: removal-grace", text, Duration::ZERO),
        };
        let flow_table = self.flow_table(&file.flow_table);
        let services = self.services(&file.services);
        Some(Config {
            interfaces: interfaces?,
            xdp_mode: xdp_mode?,
            control_socket: control_socket?,
            pin_folder: pin_folder?,
            removal_grace: removal_grace?,
            flow_table: flow_table?,
            services: services?,
        })
    }

    fn interfaces(&mut self, interfaces: &Spanned<Vec<Spanned<String>>>) -> Option<Vec<InterfaceName>> {
        let names = interfaces.get_ref();
        if names.is_empty() {
            let message = "agent: interfaces is empty: name the interface that clients' packets arrive by";
            self.problems.add(interfaces, message);
        }
        if let Some(surplus) = names.get(MAX_DEVICES) {
            self.problems
                .add(surplus, format!("agent: this interface is one too many: at most {MAX_DEVICES} are possible"));
        }
        let mut seen = Seen::default();
        let checked: Vec<_> = names.iter().map(|name| self.interface(name, &mut seen)).collect();
        checked.into_iter().collect()
    }

    fn interface(&mut self, name: &Spanned<String>, seen: &mut Seen<InterfaceName>) -> Option<InterfaceName> {
        let checked = self.interface_name("agent: interface", name)?;
        seen.once(checked.clone(), name, &mut self.problems, |line| {
            format!("agent: interface \"{checked}\" is already in line {line}: name it once")
        });
        Some(checked)
    }

    fn flow_table(&mut self, table: &file::FlowTable) -> Option<FlowTable> {
        let expired = |state: FlowState| Timeouts::DEFAULT.expired[state.index()];
        let idle = Timeouts::DEFAULT.idle[FlowState::ESTABLISHED.index()];
        let flows = self.flows(table.flows.as_ref());
        let half_open =
            self.timeout("half-open-timeout", table.half_open_timeout.as_ref(), expired(FlowState::HALF_OPEN));
        let tcp = self.timeout("tcp-timeout", table.tcp_timeout.as_ref(), expired(FlowState::ESTABLISHED));
        let closing = self.timeout("closing-timeout", table.closing_timeout.as_ref(), expired(FlowState::CLOSING));
        let udp = self.timeout("udp-timeout", table.udp_timeout.as_ref(), expired(FlowState::DATAGRAMS));
        let idle = self.timeout("idle-after", table.idle_after.as_ref(), idle);
        Some(FlowTable { flows: flows?, timeouts: Timeouts::new(half_open?, tcp?, closing?, udp?, idle?) })
    }

    fn services(&mut self, services: &[Spanned<file::Service>]) -> Option<Vec<Service>> {
        if let Some(surplus) = services.get(MAX_SERVICES as usize) {
            self.problems.add(surplus, format!("this service is one too many: at most {MAX_SERVICES} are possible"));
        }
        let mut backends = services.iter().flat_map(|service| &service.get_ref().backends);
        if let Some(surplus) = backends.nth(MAX_BACKENDS as usize) {
            let message = format!("this back-end is one too many: at most {MAX_BACKENDS} are possible in all services");
            self.problems.add(surplus, message);
        }
        let checked: Vec<_> = services.iter().map(|service| self.service(service.get_ref())).collect();
        checked.into_iter().collect()
    }

    fn service(&mut self, service: &file::Service) -> Option<Service> {
        let about = format!("service {:?}", service.name.get_ref());
        let name = self.name(&about, &service.name);
        let vip = self.address(&format!("{about}: vip"), &service.vip);
        let port = self.port(&format!("{about}: port"), &service.port);
        let protocol = self.choice(&format!("{about}: protocol"), service.protocol.as_ref(), &PROTOCOLS);
        let scheduler = self.choice(&format!("{about}: scheduler"), service.scheduler.as_ref(), &SCHEDULERS);
        let forwarding = self.choice(&format!("{about}: forwarding"), service.forwarding.as_ref(), &FORWARDINGS);
        let backends = self.backends(&about, &service.backends);
        self.names.once(service.name.get_ref().clone(), &service.name, &mut self.problems, |line| {
            format!("{about}: the name is already taken in line {line}")
        });
        if let (Some(vip), Some(port), Some(protocol)) = (vip, port, protocol) {
            let endpoint = (vip, port, protocol.number());
            self.endpoints.once(endpoint, &service.vip, &mut self.problems, |line| {
                format!(
                    "{about}: {vip}:{port}/{protocol} is already a service, in line {line}: give one of them another port or VIP"
                )
            });
        }
        Some(Service {
            name: name?,
            vip: vip?,
            port: port?,
            protocol: protocol?,
            scheduler: scheduler?,
            forwarding: forwarding?,
            backends: backends?,
        })
    }

    fn backends(&mut self, about: &str, backends: &[Spanned<file::Backend>]) -> Option<Vec<Backend>> {
        if let Some(surplus) = backends.get(MAX_BACKENDS_PER_SERVICE) {
            let message =
                format!("{about}: this back-end is one too many: at most {MAX_BACKENDS_PER_SERVICE} are possible");
            self.problems.add(surplus, message);
        }
        let mut names = Seen::default();
        let mut addresses = Seen::default();
        let mut checked = Vec::new();
        for backend in backends {
            let backend = backend.get_ref();
            let about = format!("{about}: back-end {:?}", backend.name.get_ref());
            let name = self.name(&about, &backend.name);
            names.once(backend.name.get_ref().clone(), &backend.name, &mut self.problems, |line| {
                format!("{about}: the name is already taken in line {line}")
            });
            let address = self.backend_address(&about, &backend.address, &mut addresses);
            checked.push(name.zip(address).map(|(name, address)| Backend { name, address }));
        }
        checked.into_iter().collect()
    }

    fn backend_address(&mut self, about: &str, text: &Spanned<String>, seen: &mut Seen<Ipv4Addr>) -> Option<Ipv4Addr> {
        let address = self.address(&format!("{about}: address"), text)?;
        seen.once(address, text, &mut self.problems, |line| {
            format!("{about}: {address} is already a back-end of this service, in line {line}")
        });
        if let Some(line) = self.vips.get(&address) {
            let message = format!(
                "{about}: {address} is a VIP, in line {line}: give the back-end's own address, the one it has besides the VIP"
            );
            self.problems.add(text, message);
        }
        Some(address)
    }
}

const REMOVAL_GRACE: Duration = Duration::from_secs(60);

// The first of each is the default.
const XDP_MODES: [(&str, XdpMode); 3] =
    [("auto", XdpMode::Auto), ("native", XdpMode::Native), ("generic", XdpMode::Generic)];
const PROTOCOLS: [(&str, Protocol); 2] = [("tcp", Protocol::Tcp), ("udp", Protocol::Udp)];
const SCHEDULERS: [(&str, Scheduler); 1] = [("round-robin", Scheduler::RoundRobin)];
const FORWARDINGS: [(&str, Forwarding); 1] = [("l2-dsr", Forwarding::L2Dsr)];
