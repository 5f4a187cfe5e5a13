use super::Account;
use crate::agent::flows::seconds;
use crate::config::Protocol;
use crate::control::types::{ExplainRequest, Flags, FlowState, Step, Way};
use crate::dataplane::rehearsal::Note;
use lb_common::abi::{Action, BackendState, Limiter, Scheduler, Service, ServiceKey, ServiceKind, Ticks};
use lb_common::flow_table::{FlowRecord, Lifetimes};
use lb_common::verdict::{Dropped, Forwarded, Verdict};
use std::net::IpAddr;
use std::time::Duration;

/// What the packet is, and where it comes in.
pub(super) fn arrival(question: &ExplainRequest, interface: &str) -> Step {
    let ExplainRequest { client, vip, protocol, flags } = question;
    let kind = match (protocol, flags) {
        (Protocol::Udp, _) => "udp".to_owned(),
        (_, flags) => format!("{protocol} {}", flags.unwrap_or(Flags::SYN)),
    };
    step("packet", format!("{kind} from {client} to {vip}, by {interface}"))
}

/// Whether the packet is for a VIP.
pub(super) fn vip(question: &ExplainRequest, is_vip: bool) -> Step {
    let vip = question.vip.ip();
    let finding = if is_vip { format!("{vip} is one") } else { format!("{vip} is none: no service has this address") };
    step("vip", finding)
}

impl Account<'_> {
    /// What was looked up, and what was found.
    pub(super) fn steps(&self) -> Vec<Step> {
        let mut steps: Vec<Step> = self.notes.iter().filter_map(|note| self.step(*note)).collect();
        steps.extend(self.to.map(hand_off));
        steps
    }

    fn step(&self, note: Note) -> Option<Step> {
        Some(match note {
            Note::Flow(record) => step("flow table", self.flow(record)),
            Note::Service(key, service) => step("service", self.service(&key, service.as_ref())?),
            Note::Access(action) => step("access list", self.access(action).to_owned()),
            Note::Source(admitted) => {
                let finding = if admitted { "within" } else { "above" };
                step("rate of the source", format!("{finding} new-flow-rate-per-source"))
            }
            Note::Limiter(limiter) => step("rate", self.rate(limiter)?.to_owned()),
            Note::Client(record) => step("affinity", self.client(record)),
            Note::Turn(turn) => step("scheduler", format!("new flow number {turn}, at this moment")),
            Note::Ring(position, slot) => step("ring", self.ring(position, slot)),
            Note::Remembered(true) => {
                step("memory", "the flow table has room: the flow would be remembered".to_owned())
            }
            Note::Remembered(false) => {
                step("memory", "all places in the flow's bucket have live flows: it would not be remembered".to_owned())
            }
        })
    }

    /// The flow's entry, and whether its back-end is still there.
    fn flow(&self, record: Option<FlowRecord>) -> String {
        let Some(record) = record else { return "not known".to_owned() };
        let state = FlowState::of(record.state().phase()).map_or_else(String::new, |state| state.to_string());
        let silence = record.silence(self.now);
        let expired = if record.is_expired(self.now, &self.settings.timeouts) { ", expired" } else { "" };
        let age = duration(silence);
        format!("known: {state}, silent for {age}{expired}, given to {}", self.backend(record))
    }

    /// How long the flow may be silent from now on.
    pub(super) fn remaining(&self, record: FlowRecord) -> Ticks {
        self.settings.timeouts.expired(record.state()).saturating_sub(record.silence(self.now))
    }

    fn backend(&self, record: FlowRecord) -> String {
        let named = self.names.backend(record.slot()).filter(|named| named.backend.generation == record.generation());
        named.map_or_else(
            || "a back-end that is gone".to_owned(),
            |named| match named.backend.state {
                BackendState::LEAVING => format!("{}, which is leaving", named.name),
                _ => named.name.clone(),
            },
        )
    }

    /// Of a port's service that is not there only the range's is worth a word.
    fn service(&self, key: &ServiceKey, service: Option<&Service>) -> Option<String> {
        match (service, key.kind) {
            (Some(service), ServiceKind::RANGE) => {
                Some(format!("{}, by its range of ports", self.names.service(service.id)))
            }
            (Some(service), _) => Some(self.names.service(service.id).to_owned()),
            (None, _) if self.found_service().is_some() => None,
            (None, _) => {
                let (address, port) = (IpAddr::from(key.address), key.port.get());
                let protocol = Protocol::from_number(key.protocol.into())?;
                Some(format!("none has port {port} of {address} for {protocol}"))
            }
        }
    }

    /// The service that the packet is for.
    pub(super) fn found_service(&self) -> Option<Service> {
        self.notes.iter().find_map(|note| match note {
            Note::Service(_, service) => *service,
            _ => None,
        })
    }

    fn access(&self, action: Option<Action>) -> &'static str {
        match (action, self.outcome.verdict) {
            (Some(Action::ALLOW), _) => "allows the source",
            (Some(_), _) => "denies the source",
            (None, Verdict::Dropped(Dropped::NotAllowed, _)) => "does not name the source, and allows others only",
            (None, _) => "does not name the source",
        }
    }

    /// The service's own rates; those of ICMP are not asked for by packets of flows.
    fn rate(&self, limiter: Limiter) -> Option<&'static str> {
        let id = self.found_service()?.id;
        let verdict = self.outcome.verdict;
        Some(match limiter {
            limiter if limiter == Limiter::new_flows(id) => match verdict {
                Verdict::Dropped(Dropped::ServiceRate, _) => "above new-flow-rate",
                _ => "within new-flow-rate",
            },
            limiter if limiter == Limiter::half_open(id) => match verdict {
                Verdict::Forwarded(Forwarded::Flood) => "above flood-above: new flows are not remembered",
                _ => "below flood-above",
            },
            limiter if limiter == Limiter::unknown_flows(id) && self.is_remembered() => "below flood-above",
            _ => "above flood-above: flows without a beginning are not remembered",
        })
    }

    fn is_remembered(&self) -> bool {
        self.notes.iter().any(|note| matches!(note, Note::Remembered(_)))
    }

    fn client(&self, record: Option<FlowRecord>) -> String {
        let Some(record) = record else { return "the client is not known".to_owned() };
        let (backend, age) = (self.backend(record), duration(record.silence(self.now)));
        match self.outcome.verdict {
            Verdict::Forwarded(Forwarded::Affinity) => {
                format!("the client was sent to {backend} {age} ago, in this window")
            }
            _ => format!("the client was sent to {backend} {age} ago, which does not count any more"),
        }
    }

    fn ring(&self, position: u32, slot: Option<u16>) -> String {
        let backend = slot.and_then(|slot| self.names.backend(slot));
        let name = backend.map_or("nobody", |named| named.name.as_str());
        let Some(service) = self.found_service() else { return name.to_owned() };
        let consistent = service.consistent_start..service.consistent_start + service.consistent_len;
        if consistent.contains(&position) {
            let index = position - service.consistent_start;
            return format!(
                "position {index} of {} of the consistent ring, by the flow's hash: {name}",
                service.consistent_len
            );
        }
        let by = match service.scheduler {
            Scheduler::SOURCE_HASH => "by the client's hash",
            Scheduler::MAGLEV => "by the flow's hash",
            _ => "in turn",
        };
        format!("position {} of {}, {by}: {name}", position - service.ring_start, service.ring_len)
    }
}

fn hand_off(way: &Way) -> Step {
    let Way { backend, address, forwarding, interface, mac, .. } = way;
    step("hand-off", format!("{forwarding} to {backend} ({address}), by {interface} to {mac}"))
}

pub(super) fn duration(ticks: Ticks) -> String {
    humantime::format_duration(Duration::from_secs(seconds(ticks))).to_string()
}

fn step(step: &str, finding: String) -> Step {
    Step { step: step.to_owned(), finding }
}
