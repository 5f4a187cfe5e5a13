/// Packets and bytes. Bytes are those of the frame as received: Ethernet header and padding included, frame check sequence not.
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

    /// Adds those of another CPU.
    pub fn add(&mut self, other: &Self) {
        self.packets += other.packets;
        self.bytes += other.bytes;
    }
}

/// Packets of one verdict, by size. Value of the per-CPU map `VERDICTS`, whose index is [`crate::verdict::Verdict::number`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct VerdictCounters {
    /// Bytes of all packets.
    pub bytes: u64,
    /// How many packets, by [`SizeClass`].
    pub sizes: [u64; SizeClass::COUNT],
}

const _: () = assert!(size_of::<VerdictCounters>() == 64);

impl VerdictCounters {
    /// Counts one packet.
    #[inline(always)]
    pub fn count(&mut self, bytes: u64) {
        self.bytes += bytes;
        self.sizes[SizeClass::of(bytes).index()] += 1;
    }

    /// Adds those of another CPU.
    pub fn add(&mut self, other: &Self) {
        self.bytes += other.bytes;
        for (packets, more) in self.sizes.iter_mut().zip(other.sizes) {
            *packets += more;
        }
    }

    /// Packets of all sizes.
    pub fn packets(&self) -> u64 {
        self.sizes.iter().sum()
    }
}

/// A range of frame lengths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SizeClass(u8);

impl SizeClass {
    /// How many there are.
    pub const COUNT: usize = 7;

    /// The longest frame of each class but the last, which is open.
    pub const LIMITS: [u64; Self::COUNT - 1] = [64, 128, 256, 512, 1_024, 1_518];

    /// The class of frames of `bytes` bytes.
    #[inline(always)]
    pub const fn of(bytes: u64) -> Self {
        // Nested rather than counted: three comparisons, not six.
        Self(if bytes <= 256 {
            if bytes <= 64 {
                0
            } else if bytes <= 128 {
                1
            } else {
                2
            }
        } else if bytes <= 1_024 {
            if bytes <= 512 { 3 } else { 4 }
        } else if bytes <= 1_518 {
            5
        } else {
            6
        })
    }

    /// Index in tables by class.
    #[inline(always)]
    pub const fn index(self) -> usize {
        self.0 as usize
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
    /// Packets of new flows that found no place in the flow table, forwarded by the consistent ring.
    pub table_full: u64,
    /// New flows that went where their client was before.
    pub affinity: u64,
    /// Packets of new flows during a flood, forwarded by the consistent ring and not remembered.
    pub flood: u64,
    /// Datagrams that were scheduled by themselves.
    pub one_packet: u64,
    /// Packets that went to the server in their QUIC connection ID.
    pub quic: u64,
    /// Fragments but the first of each packet, forwarded.
    pub fragments: u64,
    /// ICMP errors, forwarded to the back-end that they are about.
    pub icmp_errors: u64,
    /// Messages to clients that a packet is too big.
    pub too_big: u64,
    /// Dropped.
    pub dropped: Tally,
    /// Always 0. Makes the value two cache lines.
    pub reserved: [u64; 2],
}

const _: () = assert!(size_of::<ServiceCounters>() == 128);

/// What one back-end was handed. Value of the per-CPU map `BACKEND_COUNTERS`, by back-end slot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct BackendCounters {
    /// Forwarded to it.
    pub forwarded: Tally,
    /// Flows that were given to it and remembered, by the scheduler or by affinity.
    pub new_flows: u64,
    /// Fragments but the first of each packet.
    pub fragments: u64,
    /// ICMP errors.
    pub icmp_errors: u64,
    /// Always 0. Makes the value a cache line.
    pub reserved: [u64; 3],
}

const _: () = assert!(size_of::<BackendCounters>() == 64);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_is_in_the_first_class_that_it_does_not_exceed() {
        for bytes in 0..3_000 {
            let expected = SizeClass::LIMITS.iter().filter(|&&limit| limit < bytes).count();
            assert_eq!(SizeClass::of(bytes).index(), expected, "{bytes}");
        }
    }
}
