//! Steps 3 and 5: whether the packet is for a VIP at all and, for a flow that is not known, which service it is for.

use super::Packet;
use crate::abi::{Service, Settings};
use crate::tables::Tables;
use crate::verdict::{Passed, Verdict};

/// Passes what is certainly for nobody, before it costs a look into the flow table.
#[inline(always)]
pub(super) fn accept(settings: &Settings, packet: &Packet) -> Result<(), Verdict> {
    if settings.vips.may_contain(packet.key.destination) { Ok(()) } else { Err(NO_SERVICE) }
}

#[inline(always)]
pub(super) fn lookup<'t, T: Tables>(tables: &'t T, packet: &Packet) -> Result<&'t Service, Verdict> {
    tables.service(&packet.key.service()).ok_or(NO_SERVICE)
}

const NO_SERVICE: Verdict = Verdict::Passed(Passed::NoService);
