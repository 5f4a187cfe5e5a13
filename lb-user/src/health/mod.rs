//! Health checks: probes of the back-ends, and what follows from their outcomes.
//!
//! [`Prober`] asks each back-end again and again and sends an [`Outcome`] for every answer, or for its lack. [`Health`] makes of a
//! back-end's outcomes whether it is up; it is pure.
//!
//! | file | what it does |
//! |---|---|
//! | `state` | [`Health`]: rise and fall |
//! | `prober` | [`Prober`]: a task for each target |
//! | `target` | one back-end of one service, as probes see it |
//! | `marks` | tells probes by way of the VIP apart |
//! | `socket` | the sockets of probes |
//! | `probe` | the probes themselves, a type a file |

mod marks;
mod probe;
mod prober;
pub(crate) mod socket;
mod state;
mod target;

pub(crate) use probe::Anybody;
pub use prober::{Outcome, Prober};
pub use state::{Health, State, Transition};
pub use target::TargetName;
