//! Step 4: ICMP. An error is about a packet that a back-end sent to a client, which is quoted in it: it goes to that back-end, so that
//! the back-end finds the size that fits the path (RFC 1191, RFC 8201). An echo request to a VIP is answered here.

use super::flow::Found;
use super::parse::{Datagram, Family, Fragment};
use super::{Calls, Plan, Reading, Situation, admit, select, service};
use crate::abi::{Limiter, Settings};
use crate::flow::{FlowKey, Ports};
use crate::frame::Frame;
use crate::limit;
use crate::tables::{Flow, FlowTable, Tables};
use crate::verdict::{Answered, Dropped, Forwarded, Passed, Subject, Verdict};
use crate::wire::{Be16, Icmp, icmp_type, icmpv6_type, protocol};

/// Whether the packet is an ICMP message.
#[inline(always)]
pub(super) fn is_icmp(datagram: &Datagram) -> bool {
    let expected = match datagram.family {
        Family::V4 => protocol::ICMP,
        Family::V6 => protocol::ICMPV6,
    };
    datagram.protocol == expected
}

/// The flow that an ICMP error is about.
///
/// # Errors
/// The verdict on any other ICMP message.
#[inline(always)]
pub(super) fn quoted_flow<C: Calls>(
    calls: &C,
    settings: &Settings,
    frame: &Frame<'_>,
    datagram: &Datagram,
) -> Result<FlowKey, Verdict> {
    if !calls.is_vip(&datagram.destination) {
        return Err(Verdict::Passed(Passed::NoService));
    }
    admit::source_of(datagram.family, datagram.source, datagram.destination).map_err(dropped)?;
    let bad = dropped(Dropped::BadIcmp);
    if datagram.payload_len() < Icmp::LEN {
        return Err(bad);
    }
    let icmp = frame.header::<Icmp>(datagram.transport).ok_or(bad)?;
    match kind(datagram.family, icmp.kind) {
        Kind::EchoRequest => Err(echo(calls, settings, datagram)),
        Kind::Other => Err(Verdict::Passed(Passed::IcmpOther)),
        Kind::Error => {
            let flow = quoted(calls, frame, datagram).ok_or(bad)?;
            // A back-end answers from the VIP; what it sends in another's name is none of ours.
            if flow.destination.is(datagram.destination) { Ok(flow) } else { Err(dropped(Dropped::UnknownIcmp)) }
        }
    }
}

/// Sends an error to the back-end whose packet it is about.
#[inline(always)]
pub(super) fn deliver<'t, T: Tables>(
    situation: &Situation<'t, T>,
    reading: &Reading,
    flow: &Flow,
) -> Result<Plan<'t>, Verdict> {
    if let Some(found) = recall(situation, flow) {
        return Ok(found.plan(Forwarded::IcmpError, reading, flow));
    }
    let service =
        service::lookup(situation.tables, situation.settings, &flow.key).map_err(|_| dropped(Dropped::UnknownIcmp))?;
    let no_backend = Verdict::Dropped(Dropped::NoBackend, Subject(service.id));
    let found = select::consistent(situation, service, flow).ok_or(no_backend)?;
    Ok(found.plan(Forwarded::IcmpError, reading, flow))
}

/// The back-end of the flow. Anybody can send an ICMP error, so it says nothing about the flow's state.
#[inline(always)]
fn recall<'t, T: Tables>(situation: &Situation<'t, T>, flow: &Flow) -> Option<Found<'t>> {
    let (_, record) = situation.tables.flows().find(situation.settings, flow)?;
    Found::of_record(situation.tables, record)
}

enum Kind {
    Error,
    EchoRequest,
    Other,
}

#[inline(always)]
fn kind(family: Family, kind: u8) -> Kind {
    match (family, kind) {
        (Family::V4, icmp_type::UNREACHABLE | icmp_type::TIME_EXCEEDED | icmp_type::PARAMETER_PROBLEM) => Kind::Error,
        (Family::V4, icmp_type::ECHO_REQUEST) => Kind::EchoRequest,
        (
            Family::V6,
            icmpv6_type::UNREACHABLE
            | icmpv6_type::TOO_BIG
            | icmpv6_type::TIME_EXCEEDED
            | icmpv6_type::PARAMETER_PROBLEM,
        ) => Kind::Error,
        (Family::V6, icmpv6_type::ECHO_REQUEST) => Kind::EchoRequest,
        _ => Kind::Other,
    }
}

#[inline(always)]
const fn dropped(why: Dropped) -> Verdict {
    Verdict::Dropped(why, Subject::VIP)
}

/// The verdict on an echo request. Pieces of one are not put together here.
#[inline(always)]
fn echo<T: Tables>(tables: &T, settings: &Settings, datagram: &Datagram) -> Verdict {
    if settings.echo_rate == 0 || datagram.fragment != Fragment::Whole {
        return Verdict::Passed(Passed::EchoOff);
    }
    let limiter = tables.limiter(Limiter::ECHO);
    if limiter.is_some_and(|limiter| limit::admit(limiter, settings.echo_rate, tables.now())) {
        Verdict::Answered(Answered::Echo, Subject::VIP)
    } else {
        dropped(Dropped::EchoRate)
    }
}

/// The flow whose packet an error quotes, as it comes from the client: the quoted packet went the other way. The first 8 bytes of its
/// transport header are all that is certain to be there (RFC 792), and its ports are in the first 4.
#[inline(always)]
fn quoted<C: Calls>(calls: &C, frame: &Frame<'_>, datagram: &Datagram) -> Option<FlowKey> {
    let quoted = Datagram::parse(calls, frame, datagram.transport + Icmp::LEN, datagram.family).ok()?;
    let is_inside = quoted.transport + size_of::<Ports>() <= datagram.network + datagram.len;
    let has_ports = matches!(quoted.protocol, protocol::TCP | protocol::UDP | protocol::SCTP);
    if !is_inside || !has_ports || matches!(quoted.fragment, Fragment::Later | Fragment::Overlapping) {
        return None;
    }
    let [source, destination] = frame.header::<[u16; 2]>(quoted.transport)?.map(Be16::from_raw);
    Some(FlowKey {
        source: quoted.destination,
        destination: quoted.source,
        ports: Ports { source: destination, destination: source },
        protocol: u32::from(quoted.protocol),
    })
}
