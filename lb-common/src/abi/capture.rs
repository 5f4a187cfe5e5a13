use super::Address;
use crate::flow::FlowKey;
use crate::verdict::{MAX_VERDICTS, Subject};
use crate::wire::Be16;

/// How many read records at once, each with a filter of its own: one trace, and the captures.
pub const CAPTURE_READERS: usize = 4;

/// Longest part of a packet that a record holds, before and after the rewrite.
pub const MAX_SNAPLEN: usize = 4_096;

/// Which packets leave a record in the ring `CAPTURE`. An element of the map `CAPTURE_FILTERS`, by reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct CaptureFilter {
    /// Until this moment, in nanoseconds of `CLOCK_MONOTONIC`; 0 when nothing is recorded. Whoever reads the records moves it on, so that
    /// a filter does not outlive its reader.
    pub until: u64,
    /// Only flows whose hash has none of these bits: one in so many, and one more.
    pub flow_mask: u64,
    /// The verdicts that are meant, as bits by their numbers.
    pub verdicts: [u64; 2],
    /// The first of the clients that are meant.
    pub client: Address,
    /// The VIP that is meant; [`Address::UNSPECIFIED`] for any address.
    pub vip: Address,
    /// The address that is meant, whether a packet is from there or to there; [`Address::UNSPECIFIED`] for any.
    pub host: Address,
    /// Bits of `client` that count; 0 for any client.
    pub client_bits: u32,
    /// Records per second, at most; no more than [`CaptureFilter::MAX_RATE`] count.
    pub rate: u32,
    /// [`super::Service::id`] of the service that is meant; [`Subject::VIP`] for any, or none.
    pub service: u32,
    /// The port of the VIP that is meant; 0 for any.
    pub port: Be16,
    /// The client's port that is meant; 0 for any.
    pub source_port: Be16,
    /// The port that is meant, whether a packet is from it or to it; 0 for any.
    pub either_port: Be16,
    /// The IP protocol that is meant; 0 for any.
    pub protocol: u16,
    /// TCP flags of which a segment has one at least; 0 for any packet.
    pub flags: u16,
    /// Slot of the back-end that is meant; [`CaptureRecord::NO_SLOT`] for any, or none.
    pub slot: u16,
    /// How many bytes of each packet are recorded, at most [`MAX_SNAPLEN`]; 0 for none.
    pub snaplen: u16,
    /// Always 0.
    pub padding: [u16; 3],
}

const _: () = assert!(size_of::<CaptureFilter>() == 112 && MAX_VERDICTS <= 128);

impl CaptureFilter {
    /// Records per second, whatever a filter says.
    pub const MAX_RATE: u32 = 100_000;

    /// Nothing is recorded, whatever comes.
    pub const OFF: Self = Self {
        until: 0,
        flow_mask: 0,
        verdicts: [0; 2],
        client: Address::UNSPECIFIED,
        vip: Address::UNSPECIFIED,
        host: Address::UNSPECIFIED,
        client_bits: 0,
        rate: 0,
        service: Subject::VIP.0,
        port: Be16::new(0),
        source_port: Be16::new(0),
        either_port: Be16::new(0),
        protocol: 0,
        flags: 0,
        slot: CaptureRecord::NO_SLOT,
        snaplen: 0,
        padding: [0; 3],
    };

    /// Whether packets with this key and these TCP flags are meant, as far as can be said before the decision.
    #[inline(always)]
    pub fn wants(&self, key: &FlowKey, flags: u16, secret: [u64; 2]) -> bool {
        let is_any = self.client_bits == 0 || key.source.prefix(self.client_bits).is(self.client);
        is_any
            && (self.vip.is(Address::UNSPECIFIED) || key.destination.is(self.vip))
            && (self.host.is(Address::UNSPECIFIED) || key.source.is(self.host) || key.destination.is(self.host))
            && (self.port.raw() == 0 || key.ports.destination == self.port)
            && (self.source_port.raw() == 0 || key.ports.source == self.source_port)
            && (self.either_port.raw() == 0
                || key.ports.source == self.either_port
                || key.ports.destination == self.either_port)
            && (self.protocol == 0 || key.protocol == u32::from(self.protocol))
            && (self.flags == 0 || flags & self.flags != 0)
            && (self.flow_mask == 0 || key.hash(secret) & self.flow_mask == 0)
    }

    /// Whether packets are meant of which this was decided: the number of the verdict, the service, the back-end's slot.
    #[inline(always)]
    pub const fn wants_decision(&self, verdict: u32, service: u32, slot: u16) -> bool {
        let bits = if verdict < 64 { self.verdicts[0] } else { self.verdicts[1] };
        bits >> (verdict & 63) & 1 != 0
            && (self.service == Subject::VIP.0 || self.service == service)
            && (self.slot == CaptureRecord::NO_SLOT || self.slot == slot)
    }
}

/// What became of one packet. An element of the ring `CAPTURE`; the recorded bytes of the packet follow it, first those from before the
/// rewrite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct CaptureRecord {
    /// When, in nanoseconds of `CLOCK_MONOTONIC`.
    pub at: u64,
    /// For each reader, how many records that it would have had were not made since it began, for there were too many.
    pub missed: [u64; CAPTURE_READERS],
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
    /// Length of the frame after the rewrite.
    pub new_len: u32,
    /// Slot of the back-end; [`CaptureRecord::NO_SLOT`] for none.
    pub slot: u16,
    /// [`crate::verdict::Verdict::number`].
    pub verdict: u16,
    /// Flags of a TCP segment.
    pub flags: u16,
    /// For whom it is: a bit for each reader.
    pub readers: u16,
    /// How many bytes from before the rewrite follow.
    pub before: u16,
    /// How many bytes from after the rewrite follow those.
    pub after: u16,
}

const _: () = assert!(size_of::<CaptureRecord>() == 112);

impl CaptureRecord {
    /// No back-end.
    pub const NO_SLOT: u16 = u16::MAX;

    /// What a record is before there is one.
    pub const BLANK: Self = Self {
        at: 0,
        missed: [0; CAPTURE_READERS],
        key: FlowKey::BLANK,
        service: Subject::VIP.0,
        ingress: 0,
        egress: 0,
        len: 0,
        new_len: 0,
        slot: Self::NO_SLOT,
        verdict: 0,
        flags: 0,
        readers: 0,
        before: 0,
        after: 0,
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::Ports;

    const SYN: u16 = 2;

    const KEY: FlowKey = FlowKey {
        source: Address::from_v4([203, 0, 113, 7]),
        destination: Address::from_v4([192, 0, 2, 10]),
        ports: Ports { source: Be16::new(40_000), destination: Be16::new(443) },
        protocol: 6,
    };

    #[test]
    fn a_filter_wants_what_has_all_that_it_says() {
        let any = CaptureFilter { verdicts: [u64::MAX; 2], ..CaptureFilter::OFF };
        let prefix = Address::from_v4([203, 0, 113, 0]);
        for (filter, wanted) in [
            (any, true),
            (CaptureFilter { client: prefix, client_bits: 120, ..any }, true),
            (CaptureFilter { client: prefix, client_bits: 128, ..any }, false),
            (CaptureFilter { vip: KEY.destination, ..any }, true),
            (CaptureFilter { vip: prefix, ..any }, false),
            (CaptureFilter { port: Be16::new(443), protocol: 6, ..any }, true),
            (CaptureFilter { port: Be16::new(80), ..any }, false),
            (CaptureFilter { source_port: Be16::new(40_000), ..any }, true),
            (CaptureFilter { source_port: Be16::new(443), ..any }, false),
            (CaptureFilter { either_port: Be16::new(443), host: KEY.source, ..any }, true),
            (CaptureFilter { either_port: Be16::new(40_000), host: KEY.destination, ..any }, true),
            (CaptureFilter { either_port: Be16::new(80), ..any }, false),
            (CaptureFilter { host: prefix, ..any }, false),
            (CaptureFilter { protocol: 17, ..any }, false),
            (CaptureFilter { flags: SYN | 4, ..any }, true),
            (CaptureFilter { flags: 4, ..any }, false),
        ] {
            assert_eq!(filter.wants(&KEY, SYN, [1, 2]), wanted, "{filter:?}");
        }
    }

    #[test]
    fn one_flow_in_so_many_is_meant_and_always_the_same() {
        let filter = CaptureFilter { flow_mask: 7, ..CaptureFilter::OFF };
        let meant = |port| {
            let key = FlowKey { ports: Ports { source: Be16::new(port), ..KEY.ports }, ..KEY };
            filter.wants(&key, SYN, [1, 2])
        };
        let count = (1..=8_000).filter(|&port| meant(port)).count();
        assert!((900..1_100).contains(&count), "{count}");
        assert!((1..=8_000).all(|port| meant(port) == meant(port)));
    }

    #[test]
    fn decisions_are_meant_by_verdict_service_and_back_end() {
        let any = CaptureFilter { verdicts: [1 << 1, 1 << 2], ..CaptureFilter::OFF };
        let wanted: std::vec::Vec<u32> = (0..MAX_VERDICTS).filter(|&number| any.wants_decision(number, 3, 9)).collect();
        assert_eq!(wanted, [1, 66]);
        for (filter, wanted) in [
            (CaptureFilter { service: 3, ..any }, true),
            (CaptureFilter { service: 4, ..any }, false),
            (CaptureFilter { slot: 9, ..any }, true),
            (CaptureFilter { slot: 8, ..any }, false),
        ] {
            assert_eq!(filter.wants_decision(1, 3, 9), wanted, "{filter:?}");
        }
    }
}
