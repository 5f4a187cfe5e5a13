use super::Address;
use crate::flow::FlowKey;
use crate::verdict::{MAX_VERDICTS, Subject};
use crate::wire::Be16;

/// Which packets leave a record in the ring `TRACE`. The one element of the map `TRACE_FILTER`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct TraceFilter {
    /// Until this moment, in nanoseconds of `CLOCK_MONOTONIC`; 0 when nothing is recorded. Whoever reads the records moves it on, so that
    /// a filter does not outlive its reader.
    pub until: u64,
    /// Records per second, at most; no more than [`TraceFilter::MAX_RATE`] count.
    pub rate: u32,
    /// Bits of `client` that count; 0 for any client.
    pub client_bits: u32,
    /// The first of the clients that are meant.
    pub client: Address,
    /// The VIP that is meant; [`Address::UNSPECIFIED`] for any address.
    pub vip: Address,
    /// The port of the VIP that is meant; 0 for any.
    pub port: Be16,
    /// The IP protocol that is meant; 0 for any.
    pub protocol: u16,
    /// Always 0.
    pub padding: u32,
    /// The verdicts that are meant, as bits by their numbers.
    pub verdicts: [u64; 2],
}

const _: () = assert!(size_of::<TraceFilter>() == 72 && MAX_VERDICTS <= 128);

impl TraceFilter {
    /// Records per second, whatever a filter says.
    pub const MAX_RATE: u32 = 10_000;

    /// Nothing is recorded. As in a new map: all zeroes.
    pub const OFF: Self = Self {
        until: 0,
        rate: 0,
        client_bits: 0,
        client: Address::UNSPECIFIED,
        vip: Address::UNSPECIFIED,
        port: Be16::new(0),
        protocol: 0,
        padding: 0,
        verdicts: [0; 2],
    };

    /// Whether packets with this key are meant.
    #[inline(always)]
    pub fn wants(&self, key: &FlowKey) -> bool {
        let is_any = self.client_bits == 0 || key.source.prefix(self.client_bits).is(self.client);
        is_any
            && (self.vip.is(Address::UNSPECIFIED) || key.destination.is(self.vip))
            && (self.port.raw() == 0 || key.ports.destination == self.port)
            && (self.protocol == 0 || key.protocol == u32::from(self.protocol))
    }

    /// Whether packets with the verdict of this number are meant.
    #[inline(always)]
    pub const fn wants_verdict(&self, number: u32) -> bool {
        let bits = if number < 64 { self.verdicts[0] } else { self.verdicts[1] };
        bits >> (number & 63) & 1 != 0
    }
}

/// What became of one packet. An element of the ring `TRACE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct TraceRecord {
    /// When, in nanoseconds of `CLOCK_MONOTONIC`.
    pub at: u64,
    /// What the packet shows of its flow: no more than it has, so zeroes for what it has not.
    pub key: FlowKey,
    /// [`super::Service::id`] of the service; [`Subject::VIP`] when it did not get so far.
    pub service: u32,
    /// The interface that it came in by.
    pub ingress: u32,
    /// The interface that it left by; 0 for none.
    pub egress: u32,
    /// Length of the frame as it came in.
    pub len: u32,
    /// Slot of the back-end; [`TraceRecord::NO_SLOT`] for none.
    pub slot: u16,
    /// [`crate::verdict::Verdict::number`].
    pub verdict: u16,
    /// Flags of a TCP segment.
    pub flags: u32,
    /// How many records were not made since the trace began, for there were too many.
    pub missed: u64,
}

const _: () = assert!(size_of::<TraceRecord>() == 80);

impl TraceRecord {
    /// No back-end.
    pub const NO_SLOT: u16 = u16::MAX;

    /// What a record is before there is one.
    pub const BLANK: Self = Self {
        at: 0,
        key: FlowKey::BLANK,
        service: Subject::VIP.0,
        ingress: 0,
        egress: 0,
        len: 0,
        slot: Self::NO_SLOT,
        verdict: 0,
        flags: 0,
        missed: 0,
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::Ports;

    const KEY: FlowKey = FlowKey {
        source: Address::from_v4([203, 0, 113, 7]),
        destination: Address::from_v4([192, 0, 2, 10]),
        ports: Ports { source: Be16::new(40_000), destination: Be16::new(443) },
        protocol: 6,
    };

    #[test]
    fn a_filter_wants_what_has_all_that_it_says() {
        let any = TraceFilter { verdicts: [u64::MAX; 2], ..TraceFilter::OFF };
        let prefix = Address::from_v4([203, 0, 113, 0]);
        for (filter, wanted) in [
            (any, true),
            (TraceFilter { client: prefix, client_bits: 120, ..any }, true),
            (TraceFilter { client: prefix, client_bits: 128, ..any }, false),
            (TraceFilter { vip: KEY.destination, ..any }, true),
            (TraceFilter { vip: prefix, ..any }, false),
            (TraceFilter { port: Be16::new(443), protocol: 6, ..any }, true),
            (TraceFilter { port: Be16::new(80), ..any }, false),
            (TraceFilter { protocol: 17, ..any }, false),
        ] {
            assert_eq!(filter.wants(&KEY), wanted, "{filter:?}");
        }
    }

    #[test]
    fn verdicts_are_bits() {
        let filter = TraceFilter { verdicts: [1 << 1, 1 << 2], ..TraceFilter::OFF };
        let wanted: std::vec::Vec<u32> = (0..MAX_VERDICTS).filter(|&number| filter.wants_verdict(number)).collect();
        assert_eq!(wanted, [1, 66]);
    }
}
