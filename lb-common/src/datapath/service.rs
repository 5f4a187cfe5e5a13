//! Step 7, for flows that are not known: which service the packet is for.

use crate::abi::{PortsKey, Service, ServiceKey, ServiceKind, Settings};
use crate::flow::FlowKey;
use crate::tables::Tables;
use crate::verdict::{Passed, Verdict};

/// The service of the packet's port, or the narrowest one that has the port among others.
#[inline(always)]
pub(super) fn lookup<'t, T: Tables>(tables: &'t T, settings: &Settings, key: &FlowKey) -> Result<&'t Service, Verdict> {
    let one_port = key.service();
    if let Some(service) = tables.service(&one_port) {
        return Ok(service);
    }
    of_range(tables, settings, &one_port).ok_or(Verdict::Passed(Passed::NoService))
}

#[inline(always)]
fn of_range<'t, T: Tables>(tables: &'t T, settings: &Settings, key: &ServiceKey) -> Option<&'t Service> {
    if settings.has_ranges == 0 {
        return None;
    }
    let ServiceKey { address, port, protocol, .. } = *key;
    let first = tables.ports(&PortsKey { address, protocol, padding: 0, port })?;
    tables.service(&ServiceKey { port: first, kind: ServiceKind::RANGE, ..*key })
}
