//! What the fuzz targets are made of. Each target, in `fuzz_targets`, is a property that holds for any input; libFuzzer looks for one
//! that breaks it, led by the ways that inputs take through the code.
//!
//! | module | what it holds |
//! |---|---|
//! | [`traffic`] | several packets, and the time between them, as one input |
//! | [`scene`] | a balancer with everything switched on, and what must hold of what comes out |
//! | [`back_end`] | the other end of all tunnels |
//! | [`network`] | a network in which every back-end of a configuration answers |
//! | [`bucket`] | what a bucket of the flow table must do, told without one |
//! | [`seeds`] | inputs to begin with |

pub mod back_end;
pub mod bucket;
pub mod network;
pub mod scene;
pub mod seeds;
pub mod traffic;

// What is instrumented calls it, whether it is a target or not.
use libfuzzer_sys as _;
