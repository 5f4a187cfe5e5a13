//! Step 4: pieces of packets. Only the first piece carries ports, so where it went is remembered for the later ones. A later piece that
//! overtook the first one goes where the last packet in pieces between the same hosts went: mostly, that is the same flow.

use super::flow::Found;
use super::parse::Family;
use super::{Plan, Reading, Situation};
use crate::abi::{Ticks, TimeoutClass};
use crate::flow::{FlowKey, Ports};
use crate::flow_table::{FlowRecord, FlowState, Phase};
use crate::tables::{Flow, Tables};
use crate::verdict::{Dropped, Forwarded, Subject, Verdict};
use crate::wire::Be16;

/// As long as Linux waits for missing pieces (`net.ipv4.ipfrag_time`), near enough to seconds.
const PATIENCE: Ticks = 28;

/// Where a later piece goes.
#[inline(always)]
pub(super) fn follow<'t, T: Tables>(situation: &Situation<'t, T>, reading: &Reading) -> Result<Plan<'t>, Verdict> {
    let this = piece_of(situation, reading, Some(reading.identification));
    if let Some(found) = recall(situation, &this) {
        return Ok(found.plan(Forwarded::Fragment, reading, &this));
    }
    let last = piece_of(situation, reading, None);
    let found = recall(situation, &last).ok_or(Verdict::Dropped(Dropped::UnknownFragment, Subject::VIP))?;
    Ok(found.plan(Forwarded::EarlyFragment, reading, &last))
}

/// Remembers where a first piece goes.
#[inline(always)]
pub(super) fn remember<T: Tables>(situation: &Situation<'_, T>, reading: &Reading, plan: &Plan<'_>) {
    let state = FlowState::new(Phase::ESTABLISHED, TimeoutClass::DEFAULT);
    let record = FlowRecord::new(plan.slot, plan.backend.generation, state, situation.ticks());
    for identification in [Some(reading.identification), None] {
        situation.tables.remember_fragment(piece_of(situation, reading, identification).hash, record, PATIENCE);
    }
}

#[inline(always)]
fn recall<'t, T: Tables>(situation: &Situation<'t, T>, piece: &Flow) -> Option<Found<'t>> {
    let record = situation.tables.fragment(piece.hash)?;
    if record.silence(situation.ticks()) >= PATIENCE { None } else { Found::of_record(situation.tables, record) }
}

/// What tells the pieces of one packet from others (RFC 791, 3.2; RFC 8200, 4.5), in the place of a flow; without an identification,
/// whatever is in pieces between the two hosts.
#[inline(always)]
fn piece_of<T>(situation: &Situation<'_, T>, reading: &Reading, identification: Option<u32>) -> Flow {
    const LAST: u32 = 1 << 16;
    let (number, kind) = identification.map_or((0, LAST), |identification| (identification, 0));
    let ports = Ports { source: Be16::from_raw(number as u16), destination: Be16::from_raw((number >> 16) as u16) };
    let protocol = match reading.family {
        Family::V4 => reading.key.protocol,
        // Behind the fragment header, only the first piece shows what is behind the next extension header.
        Family::V6 => 0,
    };
    let key = FlowKey { ports, protocol, ..reading.key };
    let [first, second] = situation.settings.flow_secret;
    Flow { hash: key.hash([second, first ^ u64::from(kind)]), key }
}
