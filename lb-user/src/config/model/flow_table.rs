use lb_common::abi::{Ticks, Timeouts};
use std::ops::RangeInclusive;
use std::time::Duration;

/// The memory of flows, and of clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlowTable {
    /// Flows that it has room for: a power of two, 16 bytes each.
    pub flows: u32,
    /// Clients that affinity has room for: a power of two, 16 bytes each.
    pub clients: u32,
    /// Whether the flows' 5-tuples are kept as well, for `handoff flows`: 32 bytes each.
    pub keys: bool,
    /// How long flows are remembered.
    pub timeouts: Timeouts,
}

impl FlowTable {
    /// How many flows there may be room for: from 16 KiB to 1 GiB.
    pub const FLOWS: RangeInclusive<u32> = 1 << 10..=1 << 26;

    /// How many clients there may be room for: from 16 KiB to 256 MiB.
    pub const CLIENTS: RangeInclusive<u32> = 1 << 10..=1 << 24;

    /// Room for 1,048,576 flows in 16 MiB, their 5-tuples in 32 MiB, and 65,536 clients in 1 MiB.
    pub const DEFAULT: Self = Self { flows: 1 << 20, clients: 1 << 16, keys: true, timeouts: Timeouts::DEFAULT };
}

/// `duration` in the clock of the flow table, rounded up, so that no flow is forgotten early.
pub(crate) fn to_ticks(duration: Duration) -> Ticks {
    let tick = 1u128 << lb_common::abi::TICK_SHIFT;
    Ticks::try_from(duration.as_nanos().div_ceil(tick)).unwrap_or(Ticks::MAX)
}
