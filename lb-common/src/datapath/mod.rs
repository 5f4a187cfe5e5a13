//! The way of a packet, from its bytes to its verdict.
//!
//! [`decide`] reads like a table of contents. It changes no byte of the frame: it either plans a hand-off, which [`hand_off()`]
//! then writes, or returns the verdict that ends the matter. [`record()`] counts both.
//!
//! ```text
//! parse ─▶ device ─▶ VIP? ─▶ flow table ──hit───────────────────────────▶ plan ─▶ hand-off ─▶ XDP_TX / redirect
//!   │        │         │          └─miss─▶ service ─▶ ring ─▶ remember ─┘
//!   └────────┴─ passed ─┴────────────────────┘          └─ dropped
//! ```

mod device;
mod flow;
mod hand_off;
mod parse;
mod record;
mod select;
mod service;

pub use hand_off::{Plan, hand_off};
pub use parse::{Packet, Signal, packet};
pub use record::record;

use crate::frame::Frame;
use crate::tables::Tables;
use crate::verdict::{Passed, Verdict};

/// Where the packet in `frame` goes, or why it goes nowhere.
#[inline(always)]
pub fn decide<'t, T: Tables>(tables: &'t T, frame: &Frame<'_>) -> Result<Plan<'t>, Verdict> {
    // Settings first: a call in the midst of parsing would make the program keep every field on its stack.
    let settings = tables.settings().ok_or(Verdict::Passed(Passed::NotReady))?;
    device::accept(tables, settings, parse::ethernet(frame)?)?;
    let packet = packet(frame)?;
    service::accept(settings, &packet)?;
    let flow = flow::identify(settings, &packet);
    let now = tables.now();
    if let Some(plan) = flow::recall(tables, settings, &packet, &flow, now) {
        return Ok(plan);
    }
    let service = service::lookup(tables, &packet)?;
    select::backend(tables, settings, service, &packet, &flow, now)
}
