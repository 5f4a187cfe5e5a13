use super::super::core::Known;
use crate::control::CapturedPacket;
use crate::control::types::TraceLine;
use crate::dataplane::Recorded;
use std::time::SystemTime;

/// A record as a packet, of which the reader wants no more than `snaplen` bytes.
pub(super) fn packet(
    known: &Known,
    recorded: &Recorded,
    at: SystemTime,
    decision: TraceLine,
    snaplen: u16,
) -> CapturedPacket {
    let record = &recorded.record;
    let egress = known.network.links.get(&record.egress).map(|link| link.name.clone());
    let cut = |bytes: &[u8]| bytes[..bytes.len().min(snaplen.into())].to_vec();
    CapturedPacket {
        at,
        // What was answered leaves by where it came in.
        egress: egress.or_else(|| (decision.action == "answered").then(|| decision.interface.clone())),
        decision,
        new_len: record.new_len,
        before: cut(&recorded.before),
        after: cut(&recorded.after),
    }
}
