//! What should come out, worked out from the frame that came in.
//!
//! This is the judge of the data plane, so it shares no code with it: it reads and writes packets with etherparse. Some of what comes
//! out is the data plane's choice, as the source address out of a prefix. Such a choice is read off what came out, checked against what
//! it may be, and the whole frame is then worked out with it.

mod echo;
mod too_big;
mod tunnel;

pub use echo::echo_reply;
pub use too_big::too_big;
pub use tunnel::{Choice, Flow, TunnelTo, flow};

use crate::packet::{Link, Tag};
use anyhow::Result;
use lb_common::wire::Mac;

/// How packets get to a back-end, as a vector says.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// The tunnel to it; `None` when it gets packets as they are.
    pub tunnel: Option<TunnelTo>,
    /// The VLAN tags that the frames leave with; `None` for those that they came with.
    pub tags: Option<Vec<Tag>>,
}

impl Delivery {
    /// The Ethernet header that `frame` leaves with. Other tags take over the priority of those that it came with.
    ///
    /// # Errors
    /// When the frame ends in its own.
    pub fn link(&self, frame: &[u8], from: Mac, to: Mac) -> Result<Link> {
        let (came_with, ..) = Link::split(frame)?;
        let Some(tags) = &self.tags else { return Ok(Link { from, to, ..came_with }) };
        let tags =
            tags.iter().enumerate().map(|(index, tag)| match came_with.tags.get(index).or(came_with.tags.first()) {
                Some(old) => tag.clone().with_priority_of(old),
                None => tag.clone(),
            });
        Ok(Link { from, to, tags: tags.collect() })
    }
}

/// `frame` with another Ethernet header.
///
/// # Errors
/// When the frame ends in its own.
pub fn handed_off(frame: &[u8], link: &Link) -> Result<Vec<u8>> {
    let (_, ether_type, packet) = Link::split(frame)?;
    Ok([&link.bytes(ether_type), packet].concat())
}

/// The Ethernet header of an answer to `frame`: the addresses have changed places.
///
/// # Errors
/// When the frame ends in its own.
pub fn way_back(frame: &[u8]) -> Result<Link> {
    let (link, ..) = Link::split(frame)?;
    Ok(Link { from: link.to, to: link.from, ..link })
}

#[cfg(test)]
mod tests;
