//! What the traffic is like. Nothing here does I/O; the agent feeds it with counters and samples of packets.
//!
//! | file | what it does |
//! |---|---|
//! | `application` | what ports are for |
//! | `fairness` | how evenly something is spread |
//! | `sampler` | which packets are sampled, so that it is about as many as wanted |
//! | `samples` | what samples show, for as long as they count |
//! | `window` | how long that is |
//! | `heavy_hitters` | who sends most, in bounded memory |
//! | `flow_sizes` | how large flows are |
//! | `measures` | which counters these are |
//! | `rates` | from counters to values a second |
//! | `history` | how values went, by seconds and by minutes |
//! | `client_hello` | what clients offer when they begin TLS |

pub mod application;
pub mod client_hello;
pub mod fairness;
pub mod flow_sizes;
pub mod heavy_hitters;
pub mod history;
pub mod measures;
pub mod rates;
pub mod sampler;
pub mod samples;
pub mod window;
