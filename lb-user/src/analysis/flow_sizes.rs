//! How large flows are: those that are sampled with all their packets, from the first one to the last.

use lb_common::flow::FlowKey;
use std::collections::HashMap;

/// After so long a silence a flow is over that did not say so, in nanoseconds.
const IDLE: u64 = 60_000_000_000;
/// After so long a silence one is that did: its last packets may come out of order.
const CLOSING: u64 = 2_000_000_000;

/// Flows whose first packet was seen and whose last one was not.
#[derive(Debug)]
pub struct FlowsUnderWay {
    flows: HashMap<FlowKey, UnderWay>,
    capacity: usize,
}

/// A packet of a flow.
#[derive(Clone, Copy, Debug)]
pub struct FlowPacket {
    /// What tells its flow from others.
    pub key: FlowKey,
    /// Its service's number.
    pub service: u32,
    /// When it came, in nanoseconds.
    pub at: u64,
    /// Bytes of its frame.
    pub len: u64,
    /// What it says about its flow.
    pub phase: Phase,
    /// One flow in so many was sampled then.
    pub one_in: u64,
}

/// What a packet says about its flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It is the first one.
    Begins,
    /// It goes on.
    GoesOn,
    /// The client has said all.
    Ends,
    /// It was broken off.
    Breaks,
}

/// A flow that is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndedFlow {
    /// Its service's number.
    pub service: u32,
    /// Bytes of its frames.
    pub bytes: u64,
    /// Its packets.
    pub packets: u64,
    /// From the first to the last, in nanoseconds.
    pub duration: u64,
}

#[derive(Debug)]
struct UnderWay {
    ended: EndedFlow,
    first: u64,
    last: u64,
    is_closing: bool,
    one_in: u64,
}

impl FlowsUnderWay {
    /// None yet, and never more than `capacity`: others that begin are not followed.
    pub fn new(capacity: usize) -> Self {
        Self { flows: HashMap::new(), capacity }
    }

    /// Takes a packet into account. Returns a flow that is over with it, or was over before it.
    pub fn packet(&mut self, packet: &FlowPacket) -> Option<EndedFlow> {
        let known = self.flows.get(&packet.key);
        let is_anew = packet.phase == Phase::Begins && known.is_some_and(|flow| flow.is_closing);
        let over = if is_anew { self.flows.remove(&packet.key).map(|flow| flow.ended) } else { None };
        if packet.phase == Phase::Begins && self.flows.len() < self.capacity {
            self.flows.entry(packet.key).or_insert_with(|| UnderWay::begin(packet));
        }
        // One that was under way before it was sampled has an unknown size.
        let flow = self.flows.get_mut(&packet.key)?;
        flow.add(packet);
        if packet.phase == Phase::Breaks {
            return self.flows.remove(&packet.key).map(|flow| flow.ended);
        }
        over
    }

    /// Those that are over by the silence since their last packet. One flow in `one_in` is sampled now.
    pub fn expire(&mut self, now: u64, one_in: u64) -> Vec<EndedFlow> {
        let is_over = |flow: &UnderWay| {
            let silence = now.saturating_sub(flow.last);
            silence >= if flow.is_closing { CLOSING } else { IDLE }
        };
        let over = self.flows.extract_if(|_, flow| is_over(flow));
        // Where fewer are sampled than when it began, it may be silent because it is not sampled any more.
        over.filter(|(_, flow)| flow.is_closing || flow.one_in >= one_in).map(|(_, flow)| flow.ended).collect()
    }
}

impl UnderWay {
    fn begin(packet: &FlowPacket) -> Self {
        let ended = EndedFlow { service: packet.service, bytes: 0, packets: 0, duration: 0 };
        Self { ended, first: packet.at, last: packet.at, is_closing: false, one_in: packet.one_in }
    }

    fn add(&mut self, packet: &FlowPacket) {
        self.last = self.last.max(packet.at);
        self.ended.packets += 1;
        self.ended.bytes += packet.len;
        self.ended.duration = self.last - self.first;
        self.is_closing |= packet.phase == Phase::Ends;
    }
}

/// Sizes of flows that are over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SizeTally {
    /// How many.
    pub flows: u64,
    /// Bytes of all of them.
    pub bytes: u64,
    /// Packets of all of them.
    pub packets: u64,
    /// All durations together, in nanoseconds.
    pub duration: u64,
    /// How many flows there are of more than 2ⁿ⁻¹ bytes and of no more than 2ⁿ.
    pub by_size: [u64; 65],
}

impl Default for SizeTally {
    fn default() -> Self {
        Self { flows: 0, bytes: 0, packets: 0, duration: 0, by_size: [0; 65] }
    }
}

impl SizeTally {
    /// Counts one.
    pub fn count(&mut self, flow: &EndedFlow) {
        self.flows += 1;
        self.bytes = self.bytes.saturating_add(flow.bytes);
        self.packets = self.packets.saturating_add(flow.packets);
        self.duration = self.duration.saturating_add(flow.duration);
        self.by_size[size_class(flow.bytes)] += 1;
    }

    /// Adds others.
    pub fn add(&mut self, other: &Self) {
        self.flows += other.flows;
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.packets = self.packets.saturating_add(other.packets);
        self.duration = self.duration.saturating_add(other.duration);
        for (count, more) in self.by_size.iter_mut().zip(other.by_size) {
            *count += more;
        }
    }
}

/// The exponent of the smallest power of two that `bytes` does not exceed.
fn size_class(bytes: u64) -> usize {
    (u64::BITS - bytes.saturating_sub(1).leading_zeros()) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use lb_common::flow::Ports;
    use lb_common::wire::Be16;

    const SECOND: u64 = 1_000_000_000;

    fn packet(client: u16, at: u64, len: u64, phase: Phase) -> FlowPacket {
        let ports = Ports { source: Be16::new(client), destination: Be16::new(443) };
        FlowPacket { key: FlowKey { ports, ..FlowKey::BLANK }, service: 3, at, len, phase, one_in: 4 }
    }

    fn ended(bytes: u64, packets: u64, duration: u64) -> EndedFlow {
        EndedFlow { service: 3, bytes, packets, duration }
    }

    #[test]
    fn a_flow_has_what_its_packets_have() {
        let mut flows = FlowsUnderWay::new(10);
        for (at, len, phase) in [
            (0, 60, Phase::Begins),
            (1, 60, Phase::Begins),
            (2, 500, Phase::GoesOn),
            (3, 54, Phase::Ends),
            (3, 54, Phase::GoesOn),
        ] {
            assert_eq!(flows.packet(&packet(1, at * SECOND, len, phase)), None);
        }
        assert_eq!(flows.expire(4 * SECOND, 4), []);
        assert_eq!(flows.expire(5 * SECOND, 4), [ended(728, 5, 3 * SECOND)]);
        assert_eq!(flows.expire(500 * SECOND, 4), []);
    }

    #[test]
    fn a_flow_that_is_broken_off_or_begins_anew_is_over() {
        let mut flows = FlowsUnderWay::new(10);
        flows.packet(&packet(1, 0, 60, Phase::Begins));
        assert_eq!(flows.packet(&packet(1, 5, 54, Phase::Breaks)), Some(ended(114, 2, 5)));
        flows.packet(&packet(1, 10, 60, Phase::Begins));
        flows.packet(&packet(1, 20, 54, Phase::Ends));
        assert_eq!(flows.packet(&packet(1, 30, 60, Phase::Begins)), Some(ended(114, 2, 10)));
        assert_eq!(flows.expire(IDLE + 30, 4), [ended(60, 1, 0)]);
    }

    #[test]
    fn only_flows_that_were_seen_whole_count_and_there_are_never_too_many() {
        let mut flows = FlowsUnderWay::new(2);
        for client in 0..5 {
            flows.packet(&packet(client, 0, 60, Phase::Begins));
        }
        assert_eq!(flows.packet(&packet(9, 0, 54, Phase::GoesOn)), None);
        assert_eq!(flows.packet(&packet(9, 0, 54, Phase::Breaks)), None);
        assert_eq!(flows.flows.len(), 2);
        // One is not sampled any more, as far as can be told.
        flows.packet(&packet(0, 0, 54, Phase::Ends));
        assert_eq!(flows.expire(IDLE, 8), [ended(114, 2, 0)]);
        assert!(flows.flows.is_empty());
    }

    #[test]
    fn sizes_are_up_to_powers_of_two() {
        for (bytes, class) in [(0, 0), (1, 0), (2, 1), (3, 2), (4, 2), (5, 3), (1_024, 10), (1_025, 11), (u64::MAX, 64)]
        {
            assert_eq!(size_class(bytes), class, "{bytes}");
        }
    }
}
