//! Handoff's XDP program: the packet logic of `lb-common` over BPF maps.
//!
//! [`program::balance`] is the whole program; the binaries give it an entry point and a flow table.

#![no_std]
#![cfg(target_arch = "bpf")]

mod capture;
mod context;
pub mod flow_table;
mod global;
mod head;
pub mod maps;
pub mod program;
mod samples;
mod tables;
