//! Step 2: whether the frame is addressed to the balancer at all. A switch that floods, or a second balancer on the segment,
//! shows us frames on their way to a back-end: handing those off again would duplicate them.

use crate::abi::Settings;
use crate::tables::Tables;
use crate::verdict::{Passed, Verdict};
use crate::wire::Mac;

#[inline(always)]
pub(super) fn accept<T: Tables>(tables: &T, settings: &Settings, destination: Mac) -> Result<(), Verdict> {
    let ingress = tables.ingress();
    let device = settings.devices.iter().find(|device| device.ifindex == ingress);
    match device {
        Some(device) if device.mac.is(&destination) => Ok(()),
        Some(_) => Err(Verdict::Passed(Passed::OtherDestination)),
        None => Err(Verdict::Passed(Passed::NotReady)),
    }
}
