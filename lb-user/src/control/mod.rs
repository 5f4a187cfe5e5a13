//! The control socket: HTTP with JSON over a Unix socket, between the agent and the command line.
//!
//! [`types`] is what goes over it. The server turns requests into [`Query`]s for the agent, who answers each when it
//! comes to it, between two changes: an answer never shows half of one.

mod client;
mod error;
pub(crate) mod monitoring;
mod query;
mod refused;
mod server;
mod traffic;
pub mod types;

pub use client::Client;
pub use error::Error;
pub use query::{Order, Query, Question};
pub use refused::{Refused, RefusedKind};
pub use server::Server;
