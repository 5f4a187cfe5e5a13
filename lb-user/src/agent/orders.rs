//! Orders from outside: another configuration, a former one, overrides.

use super::Error;
use super::change::Proposal;
use super::core::Now;
use super::neighbours::{self, Backends};
use super::preflight;
use super::running::Running;
use crate::bpf;
use crate::config::{self, InterfaceName};
use crate::control::types::{ApplyRequest, EventKind, PlanReport, RollbackRequest};
use crate::control::{Order, Refused};
use crate::network::{Monitor, Network};
use std::time::Duration;

/// How long a change waits for new back-ends' Ethernet addresses. Meanwhile the agent does nothing else.
const PATIENCE: Duration = Duration::from_millis(300);

/// Whether a change is made, or only thought through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    DryRun,
    /// Whether also with too few back-ends.
    Real {
        force: bool,
    },
}

impl Running {
    /// Carries out an order, and answers it. Nobody may be waiting for the answer any more, which is no harm.
    pub(super) async fn carry_out(&mut self, order: Order, monitor: &mut Monitor) {
        match order {
            // Whoever asked has given up, and believes that nothing was done.
            Order::Plan(_, answer) | Order::Apply(_, answer) if answer.is_closed() => {}
            Order::Rollback(_, answer) if answer.is_closed() => {}
            Order::Override(_, answer) if answer.is_closed() => {}
            Order::RotateTickets(_, answer) | Order::RevokeTickets(_, answer) if answer.is_closed() => {}
            Order::Plan(request, answer) => drop(answer.send(self.propose(request, Mode::DryRun, monitor).await)),
            Order::Apply(request, answer) => {
                let mode = Mode::Real { force: request.force };
                drop(answer.send(self.propose(request, mode, monitor).await));
            }
            Order::Rollback(request, answer) => drop(answer.send(self.roll_back(request, monitor).await)),
            Order::RotateTickets(request, answer) => {
                drop(answer.send(self.core.keeper().and_then(|keeper| keeper.rotate(&request.ring, request.force))));
            }
            Order::RevokeTickets(request, answer) => {
                drop(answer.send(self.core.keeper().and_then(|keeper| keeper.revoke(&request.ring))));
            }
            Order::Override(request, answer) => drop(answer.send(self.core.say(&request, Now::read()))),
        }
    }

    /// Follows its own file again, after SIGHUP or a change of the file.
    pub(super) async fn reload(&mut self, monitor: &mut Monitor) -> Result<PlanReport, Refused> {
        let request = ApplyRequest { path: None, text: None, force: false };
        let done = self.propose(request, Mode::Real { force: false }, monitor).await;
        if let Err(refused) = &done {
            let message = format!("the configuration is not followed, the former one holds: {}", refused.message);
            self.core.events.warn(EventKind::Config, super::events::About::All, message);
        }
        done
    }

    async fn propose(
        &mut self,
        request: ApplyRequest,
        mode: Mode,
        monitor: &mut Monitor,
    ) -> Result<PlanReport, Refused> {
        let path = request.path.unwrap_or_else(|| self.core.known.path.clone());
        let text = match request.text {
            Some(text) => text,
            None => config::read(&path).map_err(Refused::config)?,
        };
        self.change(&Proposal::parse(&path, text)?, mode, monitor).await
    }

    async fn roll_back(&mut self, request: RollbackRequest, monitor: &mut Monitor) -> Result<PlanReport, Refused> {
        let (number, text) = self.core.store.generations.former(request.to).map_err(Refused::conflict)?;
        let path = self.core.store.generations.path(number);
        self.change(&Proposal::parse(&path, text)?, Mode::Real { force: request.force }, monitor).await
    }

    async fn change(&mut self, proposal: &Proposal, mode: Mode, monitor: &mut Monitor) -> Result<PlanReport, Refused> {
        let network = self.network_for(proposal, mode, monitor).await?;
        let mut report = self.core.preview(proposal, &network, Now::read())?;
        let Mode::Real { force } = mode else { return Ok(report) };
        report.refusals.retain(|refusal| !(force && refusal.can_be_forced));
        if let Some(refused) = refused(&report) {
            return Err(refused);
        }
        preflight::check_attachments(&proposal.config, &network, &self.pins).map_err(Refused::conflict)?;
        let former = self.core.config().interfaces.clone();
        let is_new = |name: &&InterfaceName| !former.contains(name);
        let new: Vec<InterfaceName> = proposal.config.interfaces.iter().filter(is_new).cloned().collect();
        let attached = self.attach_to(&new, proposal.config.xdp_mode, &network, |_| true).map_err(Error::from);
        match attached.and_then(|()| self.core.adopt(proposal, &network, Now::read())) {
            Ok(generation) => {
                report.generation = generation;
                self.vips.follow(&proposal.config);
                // Probes that cannot be sent fail, and the next tick tries again.
                let probing = self.probe().map_err(Error::from);
                self.core.note(probing);
            }
            Err(error) => {
                self.detach_all_but(&former);
                return Err(Refused::failed(error));
            }
        }
        self.detach_all_but(&proposal.config.interfaces);
        Ok(report)
    }

    /// The network as it is, with the addresses on the way to the proposal's back-ends if there is something to be done with them.
    async fn network_for(&self, proposal: &Proposal, mode: Mode, monitor: &mut Monitor) -> Result<Network, Refused> {
        let backends = Backends::of(&proposal.config);
        let network = monitor.snapshot(&backends.routed()).await.map_err(Refused::failed)?;
        match mode {
            Mode::DryRun => Ok(network),
            Mode::Real { .. } => {
                neighbours::resolve(monitor, &backends, network, PATIENCE).await.map_err(Refused::failed)
            }
        }
    }

    fn detach_all_but(&mut self, interfaces: &[InterfaceName]) {
        let interfaces: Vec<&str> = interfaces.iter().map(InterfaceName::as_str).collect();
        if let Err(error) = bpf::detach_others(&self.pins, &interfaces) {
            self.core.note(Err(error.into()));
        }
    }
}

/// The report's refusals as one.
fn refused(report: &PlanReport) -> Option<Refused> {
    let messages = report.refusals.iter().map(|refusal| {
        let remedy = if refusal.can_be_forced { ": use --force to do it all the same" } else { "" };
        format!("{}{remedy}", refusal.message)
    });
    let messages: Vec<String> = messages.collect();
    (!messages.is_empty()).then(|| Refused::conflict(messages.join("\n")))
}
