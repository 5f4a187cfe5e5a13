//! Handoff's packet logic and the layout of its BPF maps.
//!
//! The same code runs in the kernel, compiled for BPF into the XDP program, and on the host, under unit tests,
//! property tests and packet vectors. So it allocates nothing, depends on nothing, and reaches the world only
//! through [`tables::Tables`].
//!
//! | module | what it holds |
//! |---|---|
//! | [`frame`] | bounds-checked access to the bytes of one frame: the only packet memory access |
//! | [`wire`] | the headers as they are on the wire |
//! | [`abi`] | keys and values of the BPF maps, shared with the agent |
//! | [`checksum`] | the Internet checksum |
//! | [`flow`] | the 5-tuple and its keyed hash |
//! | [`flow_table`] | the set-associative table of remembered choices |
//! | [`limit`] | how many are let through in a second |
//! | [`verdict`] | what can happen to a packet, by number and name |
//! | [`quic`] | QUIC connection IDs that name their server |
//! | [`tables`] | what the packet logic may ask of the world |
//! | [`datapath`] | the decision itself, one step a file |
//! | [`probe`] | health checks by way of the VIP |
//! | [`decap`] | the other end of the tunnels: what a back-end does with their packets |

#![no_std]
#![deny(missing_docs)]
// On BPF, `core` has no atomic read-modify-write operations; the intrinsics behind them work. See `atomic`.
#![cfg_attr(target_arch = "bpf", feature(core_intrinsics), expect(internal_features, reason = "see `atomic`"))]

#[cfg(test)]
extern crate std;

pub mod abi;
pub mod atomic;
pub mod checksum;
pub mod datapath;
pub mod decap;
pub mod flow;
pub mod flow_table;
pub mod frame;
pub mod limit;
pub mod probe;
pub mod quic;
pub mod tables;
pub mod verdict;
pub mod wire;
