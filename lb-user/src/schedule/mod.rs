//! Schedulers. Each compiles a list of back-end slots to a ring, which the XDP program walks or indexes.

mod maglev;
mod round_robin;

pub use maglev::consistent_ring;
pub use round_robin::round_robin_ring;
