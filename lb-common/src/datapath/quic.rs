//! Step 5: packets whose QUIC connection ID names their server. It decides before the flow table does: when a client changes its address or
//! its port, the connection ID is what stays (draft-ietf-quic-load-balancers).

use super::flow::{self, Found};
use super::{Matter, Plan, Reading, Situation, admit, fragment, select, service};
use crate::abi::{QuicKey, QuicServerKey, ServiceFlags, Settings};
use crate::frame::Frame;
use crate::quic::{destination, server_id};
use crate::tables::{Flow, Tables};
use crate::verdict::Forwarded;
use crate::wire::Udp;

/// No transport header is further in a frame: all bits of such an offset. The mask is for the verifier, which does not know.
const MAX_TRANSPORT: u16 = 0x3fff;

/// The server that the packet's connection ID names. `None` for everything else: its flow decides.
#[inline(always)]
pub(super) fn named<T: Tables>(
    tables: &T,
    settings: &Settings,
    frame: &Frame<'_>,
    reading: &Reading,
) -> Option<QuicServerKey> {
    if reading.matter != Matter::Datagram {
        return None;
    }
    let service = service::lookup(tables, settings, &reading.key).ok()?;
    if !service.flags.has(ServiceFlags::QUIC) {
        return None;
    }
    let id = destination(frame, usize::from(reading.transport & MAX_TRANSPORT) + size_of::<Udp>())?;
    // By chance, what clients make up names servers too: even those that take no new connections, and past all limits.
    if id.may_be_client_chosen {
        return None;
    }
    let config = tables.quic(&QuicKey { service: service.id, codepoint: id.codepoint().into() })?;
    Some(QuicServerKey { server: server_id(config, &id)?, service: service.id, padding: 0 })
}

/// The way to the server that was named. `None` when there is no such server: then its flow decides.
#[inline(always)]
pub(super) fn route<'t, T: Tables>(situation: &Situation<'t, T>, reading: &Reading, flow: &Flow) -> Option<Plan<'t>> {
    let named = situation.tables.quic_server(&reading.server)?;
    let found = Found::of_slot(situation.tables, named.slot, named.generation)?;
    let service = service::lookup(situation.tables, situation.settings, &reading.key).ok()?;
    admit::can_be(reading).ok()?;
    admit::access(situation, service, reading.key.source).ok()?;
    // Its flow is remembered for packets that name nobody, and for those who count flows.
    let known = flow::recall(situation.tables, situation.settings, reading.matter, flow, situation.ticks());
    if known.is_none_or(|known| known.slot != found.slot) {
        select::remember(situation, service, reading, flow, found);
    }
    let plan = found.plan(Forwarded::QuicId, reading, flow);
    if reading.is_first_fragment {
        fragment::remember(situation, reading, &plan);
    }
    Some(plan)
}
