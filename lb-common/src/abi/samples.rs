use crate::flow::FlowKey;
use crate::verdict::Subject;

/// Which packets for VIPs leave a sample in the ring `SAMPLES`. The one element of the map `SAMPLING`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Sampling {
    /// Packets whose number among those of their class, on their CPU, has none of these bits: one in so many, and one more.
    pub packet_mask: u64,
    /// All packets of forwarded flows whose hash has none of these bits.
    pub flow_mask: u64,
    /// Samples per second, at most; 0 when none are taken. As in a new map: all zeroes.
    pub rate: u32,
    /// Always 0.
    pub padding: u32,
}

const _: () = assert!(size_of::<Sampling>() == 24);

impl Sampling {
    /// No samples.
    pub const OFF: Self = Self { packet_mask: 0, flow_mask: 0, rate: 0, padding: 0 };

    /// What the packet is a sample of, if it is one: the number of packets of its class so far, and the hash of its flow if it was
    /// forwarded. Bits as in [`SampleRecord::of`].
    #[inline(always)]
    pub const fn takes(&self, count: u64, flow: Option<u64>) -> u16 {
        if self.rate == 0 {
            return 0;
        }
        let packet = if count & self.packet_mask == 0 { SampleRecord::OF_PACKETS } else { 0 };
        match flow {
            Some(hash) if hash & self.flow_mask == 0 => packet | SampleRecord::OF_FLOWS,
            _ => packet,
        }
    }
}

/// A packet for a VIP that was sampled. An element of the ring `SAMPLES`; of a segment that begins a TLS handshake, the packet's first bytes
/// follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct SampleRecord {
    /// When, in nanoseconds of `CLOCK_MONOTONIC_COARSE`.
    pub at: u64,
    /// How many samples were not taken since the program was loaded, for there were too many.
    pub missed: u64,
    /// [`Sampling::packet_mask`] when it was taken.
    pub packet_mask: u64,
    /// [`Sampling::flow_mask`] when it was taken.
    pub flow_mask: u64,
    /// What the packet shows of its flow.
    pub key: FlowKey,
    /// [`super::Service::id`] of the service; [`Subject::VIP`] when it did not get so far.
    pub service: u32,
    /// Length of the frame.
    pub len: u32,
    /// [`crate::verdict::Verdict::number`].
    pub verdict: u16,
    /// Flags of a TCP segment.
    pub flags: u16,
    /// What it is a sample of: [`SampleRecord::OF_PACKETS`], [`SampleRecord::OF_FLOWS`], or both.
    pub of: u16,
    /// How many bytes of the frame follow.
    pub captured: u16,
    /// Where in them the TLS handshake begins.
    pub payload: u16,
    /// Always 0.
    pub padding: [u16; 3],
}

const _: () = assert!(size_of::<SampleRecord>() == 96);

impl SampleRecord {
    /// One of all packets for VIPs.
    pub const OF_PACKETS: u16 = 1;
    /// One of all packets of flows that are sampled whole.
    pub const OF_FLOWS: u16 = 2;
    /// Longest part of a frame that follows a record.
    pub const MAX_CAPTURED: usize = 2_048;

    /// What a record is before there is one.
    pub const BLANK: Self = Self {
        at: 0,
        missed: 0,
        packet_mask: 0,
        flow_mask: 0,
        key: FlowKey::BLANK,
        service: Subject::VIP.0,
        len: 0,
        verdict: 0,
        flags: 0,
        of: 0,
        captured: 0,
        payload: 0,
        padding: [0; 3],
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_is_sampled_by_its_number_and_with_its_flow() {
        let sampling = Sampling { packet_mask: 3, flow_mask: 15, rate: 1, padding: 0 };
        assert_eq!((1..=16).filter(|&count| sampling.takes(count, None) != 0).count(), 4);
        assert_eq!(sampling.takes(1, Some(16)), SampleRecord::OF_FLOWS);
        assert_eq!(sampling.takes(4, Some(32)), SampleRecord::OF_FLOWS | SampleRecord::OF_PACKETS);
        assert_eq!(sampling.takes(1, Some(17)), 0);
        assert_eq!(Sampling::OFF.takes(4, Some(0)), 0);
    }
}
