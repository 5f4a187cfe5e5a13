//! From the shape of the file to checked types, a concept a file. Goes on after a mistake, to report them all.

mod access;
mod affinity;
mod agent;
mod analysis;
mod announce;
mod api;
mod backends;
mod capacity;
mod dashboard;
mod forwarding;
mod health;
mod limits;
mod one_packet;
mod quic;
mod secret;
mod service;
mod ticket_cluster;
mod tickets;
mod tls_identity;

use super::Problem;
use super::file;
use super::files::Files;
use super::model::{Config, Ports, Protocol};
use super::problems::{Problems, Seen};
use lb_common::abi::Ticks;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::Path;

/// Checks everything that `file`, the shape of `text`, says, with the help of the files that it names. `path` is where `text` comes
/// from.
pub(super) fn check(path: &Path, text: &str, file: &file::File, files: &dyn Files) -> Result<Config, Vec<Problem>> {
    let mut checker = Checker::new(path, text, files);
    let config = checker.config(file);
    checker.problems.outcome(config)
}

/// What to do about a file that cannot be read.
const READABLE: &str = "name a file that the agent may read";

/// A check under way. Its methods return what they checked, or `None` after a problem that leaves nothing to return.
pub(crate) struct Checker<'a> {
    pub(crate) problems: Problems,
    files: &'a dyn Files,
    /// VIPs of all services, and the line of each.
    vips: BTreeMap<IpAddr, usize>,
    /// What the services before have taken.
    names: Seen<String>,
    endpoints: BTreeMap<(IpAddr, Protocol), Vec<(Ports, usize)>>,
    idle_timeouts: BTreeSet<Ticks>,
}

impl<'a> Checker<'a> {
    /// A check of `text`, the content of the file at `path`.
    pub(crate) fn new(path: &Path, text: &str, files: &'a dyn Files) -> Self {
        Self {
            problems: Problems::of(path, text),
            files,
            vips: BTreeMap::new(),
            names: Seen::default(),
            endpoints: BTreeMap::new(),
            idle_timeouts: BTreeSet::new(),
        }
    }

    fn config(&mut self, file: &file::File) -> Option<Config> {
        let vips = file.services.iter().map(|service| &service.get_ref().vip);
        self.vips = vips.filter_map(|vip| Some((vip.get_ref().parse().ok()?, self.problems.line(vip)))).collect();
        let interfaces = self.interfaces(&file.agent.interfaces);
        let xdp_mode = self.xdp_mode(&file.agent);
        let control_socket = self.control_socket(&file.agent);
        let pin_folder = self.pin_folder(&file.agent);
        let state_folder = self.state_folder(&file.agent);
        let removal_grace = self.removal_grace(&file.agent);
        let metrics = self.metrics(&file.agent);
        let api = self.api(file.api.as_ref());
        let dashboard = self.dashboard(file.dashboard.as_ref(), state_folder.as_deref());
        let analysis = self.analysis(&file.analysis);
        let applications = self.applications(&file.applications);
        let icmp = self.icmp(&file.icmp);
        let flow_table = self.flow_table(&file.flow_table);
        let announce = self.announce(file.announce.as_ref(), interfaces.as_deref());
        let services = self.services(&file.services);
        let tickets = self.tickets(file.tickets.as_ref(), services.as_deref());
        Some(Config {
            interfaces: interfaces?,
            xdp_mode: xdp_mode?,
            control_socket: control_socket?,
            pin_folder: pin_folder?,
            state_folder: state_folder?,
            watch: file.agent.watch,
            removal_grace: removal_grace?,
            measure_run_time: file.agent.measure_run_time,
            metrics: metrics?,
            api: api?,
            dashboard: dashboard?,
            analysis: analysis?,
            applications: applications?,
            icmp: icmp?,
            flow_table: flow_table?,
            announce: announce?,
            tickets: tickets?,
            services: services?,
        })
    }
}
