//! Why a packet goes where it goes: the decision itself, rehearsed, in words.
//!
//! | file | what it does |
//! |---|---|
//! | `packet` | makes the packet |
//! | `steps` | from what was looked up to words |
//! | `changes` | what would change the outcome |

mod changes;
pub(super) mod packet;
mod steps;

use super::core::Known;
use super::names::Names;
use crate::control::Refused;
use crate::control::types::{ExplainRequest, Explanation, Way};
use crate::dataplane::View;
use crate::dataplane::rehearsal::{Note, rehearse};
use lb_common::abi::{Device, Forwarding, Settings, Ticks, ticks};
use lb_common::datapath::Outcome;
use std::net::IpAddr;

/// What the words are made of.
struct Account<'a> {
    names: Names<'a>,
    settings: Settings,
    now: Ticks,
    notes: &'a [Note],
    outcome: Outcome,
    to: Option<&'a Way>,
}

/// What the data plane would do with the packet that is asked about, and why.
pub(super) fn explain<V: View>(known: &Known, view: &V, question: &ExplainRequest) -> Result<Explanation, Refused> {
    let settings = view.settings().map_err(failed)?;
    let device = ingress(&settings)?;
    let frame = packet::frame(question, device.mac)?;
    let (outcome, notes) = rehearse(view, device.ifindex, &frame).map_err(failed)?;
    let names = Names::of(known);
    let to = outcome.to.and_then(|(slot, ifindex)| way(known, &names, slot, ifindex));
    let now = ticks(view.now());
    let account = Account { names, settings, now, notes: &notes, outcome, to: to.as_ref() };
    let mut steps = vec![steps::arrival(question, &interface(known, device.ifindex))];
    steps.push(steps::vip(question, view.is_vip(&question.vip.ip().into()).map_err(failed)?));
    steps.extend(account.steps());
    let changes = account.changes();
    let verdict = outcome.verdict;
    Ok(Explanation { steps, action: verdict.action().to_owned(), reason: verdict.name().to_owned(), to, changes })
}

/// The interface that the packet comes in by: one that the program is attached to, as good as any other.
fn ingress(settings: &Settings) -> Result<Device, Refused> {
    let device = settings.devices.iter().find(|device| device.ifindex != 0);
    device.copied().ok_or_else(|| Refused::failed("the program is attached to no interface".to_owned()))
}

fn way(known: &Known, names: &Names<'_>, slot: u16, ifindex: u32) -> Option<Way> {
    let named = names.backend(slot)?;
    let forwarding = match named.backend.forwarding {
        Forwarding::IPIP_V4 | Forwarding::IPIP_V6 => "ipip",
        Forwarding::GUE_V4 | Forwarding::GUE_V6 => "gue",
        _ => "l2-dsr",
    };
    Some(Way {
        service: named.service.to_owned(),
        backend: named.name.clone(),
        address: IpAddr::from(named.backend.address),
        forwarding: forwarding.to_owned(),
        interface: interface(known, ifindex),
        mac: named.backend.mac.to_string(),
    })
}

fn interface(known: &Known, ifindex: u32) -> String {
    known.network.links.get(&ifindex).map_or_else(|| format!("interface {ifindex}"), |link| link.name.clone())
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that `map_err` asks for")]
fn failed(error: impl ToString) -> Refused {
    Refused::failed(error.to_string())
}

#[cfg(test)]
mod tests;
