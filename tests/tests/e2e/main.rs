//! End-to-end tests: the real program in network namespaces, with real connections.
//!
//! They need root, and run one at a time (`cargo xtask test e2e`).

mod bad_input;
mod changes;
mod in_the_way;
mod interfaces;
mod lab;
mod neighbours;
mod passing;
mod take_over;
mod udp;
