//! Tells the network which VIPs are here: a VIP is announced while enough back-ends are ready, and withdrawn when not, or when this
//! machine is drained.
//!
//! [`Policy`] decides, from how many back-ends of each service are ready, and is pure: its [`Wish`] says what the network is to be told. [`Announcer`]
//! carries it out, in one of several ways; what fails is tried again. [`Announcing`] is an announcer with a task of its own, so that nobody waits for a slow daemon.
//!
//! | file | what it does |
//! |---|---|
//! | `policy` | decides which VIPs are announced |
//! | `announcer` | announces these and no others, again and again |
//! | `announcing` | the same, beside the agent |
//! | `driver` | the ways to announce, under one roof |
//! | `bird`, `frr`, `exabgp`, `hook`, `l2` | each of them |
//! | `command` | runs a program, for `frr` and `hook` |
//! | `frame` | what neighbours on a segment are told, for `l2` |

mod announcer;
mod announcing;
mod bird;
mod command;
mod driver;
mod error;
mod exabgp;
mod frame;
mod frr;
mod hook;
mod l2;
mod policy;

pub use announcer::{Announced, Announcer};
pub use announcing::Announcing;
pub use error::Error;
pub use policy::{Policy, Wish};
