/// Packets and bytes. Bytes are those of the frame as received: Ethernet header and padding included, frame check sequence not.
/// Value of the per-CPU map `VERDICTS`, whose index is [`crate::verdict::Verdict::number`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Tally {
    /// How many packets.
    pub packets: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl Tally {
    /// Counts one packet.
    #[inline(always)]
    pub fn count(&mut self, bytes: u64) {
        self.packets += 1;
        self.bytes += bytes;
    }
}

/// What happened to the packets of one service. Value of the per-CPU map `SERVICE_COUNTERS`, by [`super::Service::id`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct ServiceCounters {
    /// Forwarded to a back-end.
    pub forwarded: Tally,
    /// Flows that the scheduler gave to a back-end.
    pub new_flows: u64,
    /// Packets of TCP connections that were not remembered, forwarded by the consistent ring.
    pub unknown_flows: u64,
    /// New flows that found no place in the flow table, forwarded by the consistent ring.
    pub table_full: u64,
    /// Dropped.
    pub dropped: Tally,
    /// Always 0. Makes the value a cache line.
    pub reserved: u64,
}

const _: () = assert!(size_of::<ServiceCounters>() == 64);

/// What one back-end was handed. Value of the per-CPU map `BACKEND_COUNTERS`, by back-end slot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct BackendCounters {
    /// Forwarded to it.
    pub forwarded: Tally,
    /// Flows that the scheduler gave to it.
    pub new_flows: u64,
    /// Always 0. Makes the value half a cache line.
    pub reserved: u64,
}

const _: () = assert!(size_of::<BackendCounters>() == 32);
