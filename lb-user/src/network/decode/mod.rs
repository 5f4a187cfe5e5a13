//! What the kernel's answers mean. Each function gives `None` for what the agent has no use for.

mod address;
mod link;
mod neighbour;
mod route;

pub(super) use address::address;
pub(super) use link::link;
pub(super) use neighbour::neighbour;
pub(super) use route::route;

use lb_common::wire::Mac;

fn mac(bytes: &[u8]) -> Option<Mac> {
    bytes.try_into().ok().map(Mac::new)
}
