//! The other end of the tunnels: what a back-end does with a packet of `ipip` or `gue`.
//!
//! [`decide`] reads like a table of contents, as [`crate::datapath`] does, and changes no byte of the frame: it either plans
//! what to take off, which [`strip()`] then does, or returns the verdict that ends the matter.
//!
//! ```text
//! link ─▶ outer ─▶ carrier ─▶ own address? ─▶ known source? ─▶ whole? ─▶ GUE ─▶ inner ─▶ VIP? ─▶ ECN ─▶ plan ─▶ strip ─▶ XDP_PASS
//!   │       │         │            │               │             │        │       │       │      │
//!   └───────┴─ passed ┴────────────┘               └─────────────┴────────┴───────┴ dropped ─────┘
//! ```
//!
//! A packet comes out only if it is for a VIP: whoever can send to the tunnel could otherwise put any packet into the network behind
//! it. Neither checksum of the outer headers is verified, since the packet inside has its own; so a UDP checksum of zero
//! is as good over IPv6 (RFC 6935, RFC 6936) as over IPv4. TTL and hop limit of the packet inside stay as the balancer received them.

mod carrier;
mod ecn;
mod gue;
mod inner;
mod link;
mod outer;
mod strip;
mod tables;
mod verdict;

pub use strip::strip;
pub use tables::{Settings, Tables};
pub use verdict::{Dropped, Family, Kind, MAX_VERDICTS, Passed, Tunnel, Verdict};

use crate::frame::Frame;
use crate::wire::Ecn;
use carrier::Carrier;

/// What to take off a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The tunnel that the packet came through.
    pub tunnel: Tunnel,
    /// Length of the Ethernet header and its VLAN tags in bytes: 14, 18 or 22. They stay, in front of the packet inside.
    pub link_len: usize,
    /// Length of the outer headers behind them in bytes: 20 or more, even.
    pub remove: usize,
    /// What the packet inside is to say of congestion from now on, if it is something else than before.
    pub ecn: Option<Ecn>,
}

/// What to take off the packet in `frame`, or why it stays as it is.
///
/// # Errors
/// The verdict on a packet that does not come out of a tunnel.
#[inline(always)]
pub fn decide<T: Tables>(tables: &T, frame: &Frame<'_>) -> Result<Plan, Verdict> {
    let settings = tables.settings().ok_or(Verdict::Passed(Passed::NotReady))?;
    let link = link::parse(frame)?;
    let outer = outer::parse(frame, &link)?;
    // What the host's other traffic ends at: it costs no look into a map.
    let carrier = carrier::identify(frame, settings, &outer)?;
    if !tables.is_own(&outer.destination) {
        return Err(Verdict::Passed(Passed::OtherDestination));
    }
    if !tables.is_tunnel_source(&outer.source) {
        return Err(Verdict::Dropped(Dropped::UnknownSource));
    }
    if outer.is_fragment {
        return Err(Verdict::Dropped(Dropped::OuterFragment));
    }
    let payload = match carrier {
        Carrier::Ip(family) => inner::Place { kind: Kind::Ipip, family, start: outer.payload, end: outer.end },
        Carrier::Udp => gue::parse(frame, &outer)?,
    };
    let inner = inner::parse(frame, &payload)?;
    if !tables.is_vip(&inner.destination) {
        return Err(Verdict::Dropped(Dropped::UnknownVip));
    }
    let ecn = ecn::combine(inner.ecn, outer.ecn).ok_or(Verdict::Dropped(Dropped::Ecn))?;
    Ok(Plan {
        tunnel: Tunnel { kind: payload.kind, outer: outer.family, inner: payload.family },
        link_len: link.len,
        remove: payload.start - link.len,
        ecn: (ecn != inner.ecn).then_some(ecn),
    })
}
