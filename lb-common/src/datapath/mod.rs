//! The way of a packet, from its bytes to its verdict.
//!
//! [`process`] is all of it. `plan` reads like a table of contents; it changes no byte of the frame, but plans a hand-off, or
//! returns the verdict that ends the matter. `hand_off` writes the plan into the frame, `record` counts.
//!
//! ```text
//! shortcut: plain IPv4 of a known flow ───────────────────────────────────────────▶ plan ─▶ hand-off ─▶ XDP_TX / redirect
//!   │ everything else                                                               ▲
//! parse ─▶ device ─▶ VIP? ─▶ fragment, ICMP, QUIC ─▶ flow table ─hit────────────────┤
//!   │        │         │          │              └─miss─▶ service ─▶ admit ─▶ select ┘
//!   └────────┴─ passed ┴──────────┴─ answered ───────────────┴───────────┴─ dropped
//! ```

mod admit;
mod affinity;
mod calls;
mod classify;
mod device;
mod echo;
mod flow;
mod fragment;
mod hand_off;
mod icmp;
mod observe;
mod parse;
mod quic;
mod record;
mod select;
mod service;
mod shortcut;
mod vip;

pub use calls::Calls;
pub use classify::count_frame;
pub use echo::reply;
pub use hand_off::{Carried, Inner, Plan, carry, encapsulate, too_big};
pub use observe::{begins_handshake, observe};
pub use parse::{Chain, Datagram, Family, Fragment, HOP_LIMIT, Matter, Packet, Reading, Signal, skip_extensions};

use crate::abi::{Backend, Settings, Ticks, ticks};
use crate::frame::Frame;
use crate::tables::{Buffer, Tables};
use crate::verdict::{Answered, Dropped, Forwarded, Passed, Subject, Verdict};
use classify::glance;
use hand_off::hand_off;
use shortcut::Shortcut;

/// What became of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The verdict.
    pub verdict: Verdict,
    /// Slot of the back-end that a forwarded packet goes to, and the interface that it leaves by.
    pub to: Option<(u16, u32)>,
}

/// Decides on a packet, writes into it what follows, and counts it.
#[inline(always)]
pub fn process<C: Calls, B: Buffer>(calls: &C, buffer: &mut B) -> Outcome {
    let found = find(calls, &buffer.frame());
    // Not before: whatever waits for the decision takes stack from it.
    let frame = buffer.frame();
    let received = frame.len() as u64;
    let count = match glance(&frame) {
        Some(class) => calls.count_class(class, received),
        None => calls.count_frame(&frame),
    };
    calls.sample(&frame, count, &found);
    let verdict = match found {
        Ok(plan) => match hand_off(calls, buffer, &plan) {
            Ok(()) => {
                record::forwarded(calls, &plan, received);
                return Outcome { verdict: Verdict::Forwarded(plan.how), to: Some((plan.slot, plan.backend.ifindex)) };
            }
            Err(verdict) => verdict,
        },
        Err(ECHO) if !calls.reply(buffer) => Verdict::Dropped(Dropped::BadIcmp, Subject::VIP),
        Err(verdict) => verdict,
    };
    record::stopped(calls, verdict, received);
    Outcome { verdict, to: None }
}

const ECHO: Verdict = Verdict::Answered(Answered::Echo, Subject::VIP);

/// Where the packet in `frame` goes, or why it goes nowhere.
#[inline(always)]
fn find<'t, C: Calls>(calls: &'t C, frame: &Frame<'_>) -> Result<Plan<'t>, Verdict> {
    // Settings first: a call in the midst of parsing would make the program keep every field on its stack.
    let settings = calls.settings().ok_or(Verdict::Passed(Passed::NotReady))?;
    match shortcut::take(calls, settings, frame) {
        Shortcut::Backend(plan) => return Ok(plan),
        Shortcut::Verdict(verdict) => return Err(verdict),
        Shortcut::None => {}
    }
    let (mut reading, mut finding) = (Reading::BLANK, Finding::NOTHING);
    if !calls.read(frame, &mut reading, &mut finding) {
        return Err(finding.verdict);
    }
    if settings.has_quic != 0 {
        calls.read_quic(frame, &mut reading);
    }
    if !calls.consider(&reading, &mut finding) {
        return Err(finding.verdict);
    }
    let backend = calls.backend(finding.slot).ok_or(finding.verdict)?;
    Ok(finding.plan(backend))
}

/// What a decision comes to: the verdict, or a [`Plan`] but for the back-end itself, whose slot says which it is.
#[derive(Clone, Copy, Debug)]
pub struct Finding {
    verdict: Verdict,
    slot: u16,
    how: Forwarded,
    network: u8,
    hash: u64,
}

impl Finding {
    const NOTHING: Self =
        Self { verdict: Verdict::Passed(Passed::NotReady), slot: 0, how: Forwarded::Remembered, network: 0, hash: 0 };

    #[inline(always)]
    fn note(&mut self, plan: &Plan<'_>) {
        let Plan { slot, backend: _, how, network, hash } = *plan;
        (self.slot, self.how, self.network, self.hash) = (slot, how, network, hash);
    }

    #[inline(always)]
    fn plan<'t>(&self, backend: &'t Backend) -> Plan<'t> {
        Plan { slot: self.slot, backend, how: self.how, network: self.network, hash: self.hash }
    }
}

/// Reads which server the packet's QUIC connection ID names, if it names one.
#[inline(always)]
pub fn read_quic<T: Tables>(tables: &T, frame: &Frame<'_>, reading: &mut Reading) {
    if let Some(settings) = tables.settings()
        && let Some(server) = quic::named(tables, settings, frame, reading)
    {
        reading.names_server = true;
        reading.server = server;
    }
}

/// Finds the back-end for a packet that was read. Whether there is one; what follows is in `finding`.
#[inline(always)]
pub fn consider<T: Tables>(tables: &T, reading: &Reading, finding: &mut Finding) -> bool {
    match plan(tables, reading) {
        Ok(plan) => {
            finding.note(&plan);
            true
        }
        Err(verdict) => {
            finding.verdict = verdict;
            false
        }
    }
}

/// Where a packet that was read goes, or why it goes nowhere.
#[inline(always)]
fn plan<'t, T: Tables>(tables: &'t T, reading: &Reading) -> Result<Plan<'t>, Verdict> {
    let settings = tables.settings().ok_or(Verdict::Passed(Passed::NotReady))?;
    let situation = Situation { tables, settings, now: tables.now() };
    if reading.matter == Matter::Later {
        return fragment::follow(&situation, reading);
    }
    let flow = flow::identify(settings, reading.key);
    if reading.matter == Matter::Error {
        return icmp::deliver(&situation, reading, &flow);
    }
    if reading.names_server
        && let Some(plan) = quic::route(&situation, reading, &flow)
    {
        return Ok(plan);
    }
    let plan = match flow::recall(tables, settings, reading.matter, &flow, situation.ticks()) {
        Some(found) => found.plan(Forwarded::Remembered, reading, &flow),
        None => select::backend(&situation, reading, &flow)?,
    };
    if reading.is_first_fragment {
        fragment::remember(&situation, reading, &plan);
    }
    Ok(plan)
}

/// Reads the packet in `frame`. Whether it is about a flow; if not, the verdict is in `finding`.
#[inline(always)]
pub fn read<C: Calls>(calls: &C, frame: &Frame<'_>, reading: &mut Reading, finding: &mut Finding) -> bool {
    // Such a packet has come from the shortcut, which has been through the steps before this one.
    if let Some((key, signal)) = shortcut::read(frame) {
        *reading = Reading::plain(key, signal);
        return true;
    }
    let settings = calls.settings().ok_or(Verdict::Passed(Passed::NotReady));
    match settings.and_then(|settings| Reading::of(calls, settings, frame)) {
        Ok(read) => {
            *reading = read;
            true
        }
        Err(verdict) => {
            finding.verdict = verdict;
            false
        }
    }
}

/// What a decision looks at besides the packet.
pub(crate) struct Situation<'t, T> {
    tables: &'t T,
    settings: &'t Settings,
    /// The present in nanoseconds.
    now: u64,
}

impl<T> Situation<'_, T> {
    #[inline(always)]
    fn ticks(&self) -> Ticks {
        ticks(self.now)
    }
}
