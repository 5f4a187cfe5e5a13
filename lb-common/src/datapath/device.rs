//! Step 2: whether the frame is addressed to the balancer at all. A switch that floods, or a second balancer on the segment,
//! shows us frames on their way to a back-end: handing those off again would duplicate them.

use crate::abi::{Device, Settings};
use crate::tables::Tables;
use crate::verdict::{Passed, Verdict};
use crate::wire::Mac;

/// The interface that the packet came in by, if the agent knows it.
#[inline(always)]
pub(super) fn ingress<'t, T: Tables>(tables: &T, settings: &'t Settings) -> Option<&'t Device> {
    let ingress = tables.ingress();
    settings.devices.iter().find(|device| device.ifindex == ingress)
}

/// Whether a frame to `destination` is for the interface.
#[inline(always)]
pub(super) fn accept(ingress: Option<&Device>, destination: &Mac) -> Result<(), Verdict> {
    match ingress {
        Some(device) if device.mac.is(destination) => Ok(()),
        Some(_) => Err(Verdict::Passed(Passed::OtherDestination)),
        None => Err(Verdict::Passed(Passed::NotReady)),
    }
}
