//! Step 8, for flows that are not known: whether the service takes them at all.

use super::parse::Family;
use super::{Reading, Situation};
use crate::abi::{AccessKey, Action, Address, Limiter, Service, ServiceFlags, SourceKey};
use crate::atomic::SharedWord;
use crate::flow::FlowKey;
use crate::limit;
use crate::tables::Tables;
use crate::verdict::Dropped;

/// Whether there can be such a flow. Flows that cannot never get into the flow table, so no packet of one takes the shortcut.
#[inline(always)]
pub(super) fn can_be(reading: &Reading) -> Result<(), Dropped> {
    let FlowKey { source, destination, ports, .. } = reading.key;
    source_of(reading.family, source, destination)?;
    // Port 0 of UDP means that no answer is wanted (RFC 768); none of ours do without.
    if ports.source.raw() == 0 || ports.destination.raw() == 0 { Err(Dropped::ZeroPort) } else { Ok(()) }
}

/// Whether a packet to `destination` can come from `source`.
#[inline(always)]
pub(super) fn source_of(family: Family, source: Address, destination: Address) -> Result<(), Dropped> {
    if source.is(destination) {
        return Err(Dropped::Land);
    }
    if is_host(family, source) { Ok(()) } else { Err(Dropped::BadSource) }
}

/// Whether an address can be a host's on another network.
#[inline(always)]
fn is_host(family: Family, address: Address) -> bool {
    let [first, second, third, last] = address.words().map(u32::from_be);
    match family {
        // 0.0.0.0/8 (RFC 791), 127.0.0.0/8, 224.0.0.0/4, and 240.0.0.0/4 with 255.255.255.255.
        Family::V4 => !matches!(last >> 24, 0 | 127 | 224..),
        // ff00::/8, ::, ::1, and IPv4-mapped addresses, which are on no wire.
        Family::V6 => {
            let is_low = first | second == 0 && (third == 0 && last <= 1 || third == 0xffff);
            first >> 24 != 0xff && !is_low
        }
    }
}

/// Whether the service's access list lets the source in: the longest prefix decides.
#[inline(always)]
pub(super) fn access<T: Tables>(
    situation: &Situation<'_, T>,
    service: &Service,
    source: Address,
) -> Result<(), Dropped> {
    if !service.flags.has(ServiceFlags::ACCESS) {
        return Ok(());
    }
    match situation.tables.access(&AccessKey { list: service.access, source }) {
        Some(Action::ALLOW) => Ok(()),
        Some(_) => Err(Dropped::Denied),
        None if service.flags.has(ServiceFlags::ALLOW_LISTED_ONLY) => Err(Dropped::NotAllowed),
        None => Ok(()),
    }
}

/// Whether the new flow is within the service's and its source's rate.
#[inline(always)]
pub(super) fn rate<T: Tables>(
    situation: &Situation<'_, T>,
    service: &Service,
    reading: &Reading,
) -> Result<(), Dropped> {
    if service.source_rate > 0 {
        let prefix = reading.family.of(service.source_prefix);
        let key = SourceKey { service: service.id, source: reading.key.source.prefix(prefix.into()) };
        // Without room to count the source, only the service's own rate holds.
        let admit = |limiter: &SharedWord| limit::admit(limiter, service.source_rate, situation.now);
        if situation.tables.source_limiter(&key, admit) == Some(false) {
            return Err(Dropped::SourceRate);
        }
    }
    if within(situation, Limiter::new_flows(service.id), service.new_flow_rate) {
        Ok(())
    } else {
        Err(Dropped::ServiceRate)
    }
}

/// Whether so few flows come that this one is worth remembering: half-open ones, and those whose beginning was not seen, are counted each
/// by a limiter of their own, so that a flood of the former does not keep connections that get established from being remembered.
#[inline(always)]
pub(super) fn is_calm<T: Tables>(situation: &Situation<'_, T>, service: &Service, limiter: Limiter) -> bool {
    within(situation, limiter, service.flood_rate)
}

/// Whether one more is within `rate` a second; 0 is any number.
#[inline(always)]
fn within<T: Tables>(situation: &Situation<'_, T>, limiter: Limiter, rate: u32) -> bool {
    rate == 0 || situation.tables.limiter(limiter).is_none_or(|limiter| limit::admit(limiter, rate, situation.now))
}
