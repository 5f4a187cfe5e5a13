//! What should be, what is, and the way from one to the other. Pure: it knows neither the kernel nor the clock.
//!
//! [`Desired`] comes from the configuration and the network, [`Observed`] from the maps. [`plan()`] compares them and lists
//! the [`Change`]s in an order in which no packet ever meets a half-made state.

mod access;
mod change;
mod compiled;
mod desired;
mod full;
mod load;
mod observed;
mod plan;
mod ports;
mod quic;
mod rings;

pub use access::{AccessRule, AccessRules};
pub use change::Change;
pub use compiled::CompiledRings;
pub use desired::{Delivery, Desired, DesiredBackend, DesiredQuic, DesiredService, PortsPrefix, Takes};
pub use full::Full;
pub use load::Load;
pub use observed::{Observed, ObservedService};
pub use plan::{Memory, Plan, plan};
pub use ports::port_prefixes;
pub use quic::QuicSecret;
pub use rings::RingSpace;

#[cfg(test)]
mod tests;
