//! What the tests of the whole are made of.
//!
//! A *packet vector* is a piece of traffic in a TOML file: packets in, verdicts and packets out. Every vector runs through the packet
//! logic twice, on the host and in the kernel; `vectors/README.md` has the format.
//!
//! | module | what it holds |
//! |---|---|
//! | [`world`] | the one network that all vectors play in |
//! | [`packet`] | from the description of a packet to its bytes |
//! | [`output`] | what should come out for a packet that came in |
//! | [`vector`] | the vector files |
//! | [`runner`] | plays a vector, on the host and in the kernel |
//! | [`tunnel`] | packets in tunnels, and a back-end that takes them out |
//!
//! [`agreement`] compares what `handoff explain` rehearses with what the kernel does.
//!
//! [`browser`] is a real browser that shows the dashboard.
//!
//! [`exposure`] is what running agents may do, and where they can be reached.
//!
//! [`figures`] makes documents and graphs of what benchmarks have measured.
//!
//! [`memory`] is how large BPF maps are, [`programs`] what a kernel says of the programs that it has accepted.
//!
//! [`simulation`] plays hours of traffic against the packet logic on the host, to measure affinity.
//!
//! An *end-to-end test* is a scene in network namespaces: the lab's client, balancer and servers, and the real program. [`scene`] sets it,
//! and [`soak`] has everything happen to it at once and keeps a ledger.

pub mod agreement;
pub mod browser;
pub mod exposure;
pub mod figures;
pub mod memory;
pub mod output;
pub mod packet;
pub mod programs;
pub mod runner;
pub mod scene;
pub mod simulation;
pub mod soak;
pub mod tunnel;
pub mod vector;
pub mod world;
