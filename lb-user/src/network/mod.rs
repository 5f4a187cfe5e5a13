//! What the agent knows of the network: its interfaces, its addresses, who is where on its segments, and the routes beyond them.
//!
//! [`Network`] is a picture of one moment and pure: [`Network::next_hop`] finds the way to a back-end in it, or says what
//! is in the way. [`Monitor`] takes such pictures from the kernel, tells when they are out of date, and has the kernel keep the
//! Ethernet addresses of back-ends and gateways known.
//!
//! | file | what it does |
//! |---|---|
//! | `model`, `vlan`, `route` | [`Network`] and what it is made of |
//! | `next_hop`, `unreachable` | finds the way to a back-end; says why there is none |
//! | `monitor`, `changes` | asks the kernel, over netlink; counts what it tells by itself |
//! | `remembered` | Ethernet addresses that the kernel has forgotten for nothing |
//! | `decode` | what the kernel's answers mean |

mod changes;
mod decode;
mod error;
mod model;
mod monitor;
mod next_hop;
mod remembered;
mod route;
mod unreachable;
mod vlan;

pub use error::Error;
pub use model::{InterfaceAddress, Link, Neighbour, NeighbourKind, Network, XdpAttachment};
pub use monitor::Monitor;
pub use next_hop::{NextHop, Reach, Way};
pub use route::Route;
pub use unreachable::Unreachable;
pub use vlan::{Vlan, VlanProtocol, VlanTag, Vlans};
