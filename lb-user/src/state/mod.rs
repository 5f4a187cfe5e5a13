//! What should be, what is, and the way from one to the other. Pure: it knows neither the kernel nor the clock.
//!
//! [`Desired`] comes from the configuration and the network, [`Observed`] from the maps. [`plan()`] compares them and lists
//! the [`Change`]s in an order in which no packet ever meets a half-made state.

mod change;
mod desired;
mod observed;
mod plan;
mod rings;

pub use change::Change;
pub use desired::{Desired, DesiredBackend, DesiredService, NextHop};
pub use observed::{Observed, ObservedService};
pub use plan::{Full, plan};
pub use rings::RingSpace;

#[cfg(test)]
mod tests;
