//! Routing by QUIC connection ID, as servers encode it: draft-ietf-quic-load-balancers-21 ("QUIC-LB"), whose sections are cited here.
//!
//! A server that follows the draft puts its own server id into every connection ID that it issues, in the clear or enciphered. So a
//! client that changes its address or port stays on its back-end, and the balancer remembers nothing for it:
//!
//! ```text
//! UDP payload ─ destination ─▶ ConnectionId ─ codepoint ─▶ QuicConfig ─ server_id ─▶ ServerId ─▶ back-end
//! ```
//!
//! Each arrow may lead nowhere: the connection ID is then unroutable (4.1), as those are that clients make up for their first packets,
//! and the packet goes by its flow (4.3).

mod aes;
mod block;
mod config;
mod connection_id;
mod four_pass;
mod route;
mod sbox;
mod server_id;
#[cfg(test)]
mod tests;

pub use config::{MAX_PLAINTEXT_LEN, MIN_NONCE_LEN, QuicConfig};
pub use connection_id::{ConnectionId, MAX_CONNECTION_ID_LEN, UNROUTABLE, destination};
pub use route::{LowBits, connection_id, server_id};
pub use server_id::{MAX_SERVER_ID_LEN, ServerId};
