//! The control API: HTTP with JSON over a Unix socket, between the agent and the command line, and, if the configuration says so, over TCP
//! with certificates on both sides.
//!
//! [`types`] is what goes over it. `connection` bounds what a client can cost, `role` says what it may do. The server turns requests into [`Query`]s for the agent, who answers each when it
//! comes to it, between two changes: an answer never shows half of one.

mod analysis;
mod captured;
mod client;
pub(crate) mod connection;
mod discreet;
mod error;
pub(crate) mod listener;
pub(crate) mod monitoring;
mod query;
mod refused;
pub(crate) mod request;
pub(crate) mod role;
pub(crate) mod routes;
mod server;
pub(crate) mod tls;
mod traffic;
pub mod types;

pub use captured::CapturedPacket;
pub use client::Client;
pub use connection::converse;
pub(crate) use discreet::Discreet;
pub use error::Error;
pub use query::{Order, Query, Question};
pub use refused::{Refused, RefusedKind};
pub use server::Server;
pub use tls::Remote;
