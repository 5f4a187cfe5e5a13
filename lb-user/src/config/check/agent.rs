//! What holds for all services: `[agent]`, `[icmp]`, `[flow-table]`.

use super::Checker;
use crate::config::file;
use crate::config::model::{
    DEFAULT_PIN_FOLDER, DEFAULT_SOCKET, DEFAULT_STATE_FOLDER, FlowTable, Icmp, InterfaceName, XdpMode, to_ticks,
};
use crate::config::problems::Seen;
use lb_common::abi::{MAX_DEVICES, Ticks, TimeoutClass, Timeouts};
use lb_common::flow_table::{FlowState, Lifetimes, Phase};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;
use toml::Spanned;

impl Checker<'_> {
    pub(super) fn interfaces(&mut self, interfaces: &Spanned<Vec<Spanned<String>>>) -> Option<Vec<InterfaceName>> {
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

    pub(super) fn xdp_mode(&mut self, agent: &file::Agent) -> Option<XdpMode> {
        self.choice("agent: xdp-mode", agent.xdp_mode.as_ref(), &XDP_MODES)
    }

    pub(super) fn control_socket(&mut self, agent: &file::Agent) -> Option<PathBuf> {
        self.path_or(DEFAULT_SOCKET, "agent: control-socket", agent.control_socket.as_ref())
    }

    pub(super) fn pin_folder(&mut self, agent: &file::Agent) -> Option<PathBuf> {
        self.path_or(DEFAULT_PIN_FOLDER, "agent: pin-folder", agent.pin_folder.as_ref())
    }

    pub(super) fn metrics(&mut self, agent: &file::Agent) -> Option<Option<SocketAddr>> {
        let Some(text) = &agent.metrics else { return Some(None) };
        match text.get_ref().parse() {
            Ok(address) => Some(Some(address)),
            Err(_) => {
                let message =
                    format!("agent: metrics {:?} is not an address with a port, as 127.0.0.1:9469", text.get_ref());
                self.problems.reject(text, message)
            }
        }
    }

    pub(super) fn state_folder(&mut self, agent: &file::Agent) -> Option<PathBuf> {
        self.path_or(DEFAULT_STATE_FOLDER, "agent: state-folder", agent.state_folder.as_ref())
    }

    pub(super) fn removal_grace(&mut self, agent: &file::Agent) -> Option<Duration> {
        match &agent.removal_grace {
            None => Some(REMOVAL_GRACE),
            Some(text) => self.duration("agent: removal-grace", text, Duration::ZERO),
        }
    }

    pub(super) fn icmp(&mut self, icmp: &file::Icmp) -> Option<Icmp> {
        let default = Icmp::DEFAULT;
        let echo_rate = self.rate("icmp: echo-rate", icmp.echo_rate.as_ref());
        let too_big_rate = self.rate("icmp: too-big-rate", icmp.too_big_rate.as_ref());
        Some(Icmp {
            answer_echo: icmp.answer_echo.unwrap_or(default.answer_echo),
            echo_rate: echo_rate?.unwrap_or(default.echo_rate),
            too_big_rate: too_big_rate?.unwrap_or(default.too_big_rate),
        })
    }

    pub(super) fn flow_table(&mut self, table: &file::FlowTable) -> Option<FlowTable> {
        let default = FlowTable::DEFAULT;
        let state = |phase| FlowState::new(phase, TimeoutClass::DEFAULT);
        let expired = |phase| default.timeouts.expired(state(phase));
        let idle = default.timeouts.idle(state(Phase::ESTABLISHED));
        let flows = self.power_of_two("flow-table: flows", table.flows.as_ref(), FlowTable::FLOWS, default.flows);
        let clients =
            self.power_of_two("flow-table: clients", table.clients.as_ref(), FlowTable::CLIENTS, default.clients);
        let half_open = self.timeout("half-open-timeout", table.half_open_timeout.as_ref(), expired(Phase::HALF_OPEN));
        let tcp = self.timeout("tcp-timeout", table.tcp_timeout.as_ref(), expired(Phase::ESTABLISHED));
        let closing = self.timeout("closing-timeout", table.closing_timeout.as_ref(), expired(Phase::CLOSING));
        let udp = self.timeout("udp-timeout", table.udp_timeout.as_ref(), expired(Phase::DATAGRAMS));
        let idle = self.timeout("idle-after", table.idle_after.as_ref(), idle);
        let (half_open, tcp, idle) = (half_open?, tcp?, idle?);
        if let Some(place) = table.half_open_timeout.as_ref().filter(|_| half_open > tcp) {
            let message = "half-open-timeout is longer than tcp-timeout, which is for connections that got further";
            self.problems.add(place, format!("flow-table: {message}: make it shorter, or tcp-timeout longer"));
        }
        if let Some(place) = table.idle_after.as_ref().filter(|_| idle >= tcp) {
            let message = "idle-after is not shorter than tcp-timeout, after which a connection gives way in any case";
            self.problems.add(place, format!("flow-table: {message}: make it shorter, or tcp-timeout longer"));
        }
        Some(FlowTable {
            flows: flows?,
            clients: clients?,
            keys: table.keys.unwrap_or(default.keys),
            timeouts: Timeouts::new(half_open, tcp, closing?, udp?, idle),
        })
    }

    fn timeout(&mut self, key: &str, text: Option<&Spanned<String>>, default: Ticks) -> Option<Ticks> {
        match text {
            None => Some(default),
            Some(text) => self.duration(&format!("flow-table: {key}"), text, Duration::from_secs(1)).map(to_ticks),
        }
    }
}

const REMOVAL_GRACE: Duration = Duration::from_secs(60);

// The first is the default.
const XDP_MODES: [(&str, XdpMode); 3] =
    [("auto", XdpMode::Auto), ("native", XdpMode::Native), ("generic", XdpMode::Generic)];
