//! What the agent knows of the network: its interfaces, its addresses, and who is where on its segments.
//!
//! [`Network`] is a picture of one moment and pure: [`Network::next_hop`] finds the way to a back-end in it, or says what
//! is in the way. [`Monitor`] takes such pictures from the kernel, tells when they are out of date, and has the kernel keep the
//! back-ends' Ethernet addresses known.
//!
//! | file | what it does |
//! |---|---|
//! | `model` | [`Network`] and what it is made of |
//! | `next_hop` | finds the way to a back-end |
//! | `monitor` | asks the kernel, over netlink |
//! | `decode` | what the kernel's answers mean |

mod decode;
mod model;
mod monitor;
mod next_hop;

pub use model::{InterfaceAddress, Link, Neighbour, NeighbourKind, Network, XdpAttachment};
pub use monitor::{Error, Monitor};
pub use next_hop::Unreachable;
