use lb_common::abi::{SizeClass, VerdictCounters};
use serde::{Deserialize, Serialize};

/// `GET /v1/counters`: one element for each verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerdictCounter {
    /// `forwarded`, `answered`, `passed` or `dropped`.
    pub action: String,
    /// Name of the verdict.
    pub reason: String,
    /// Packets.
    pub packets: u64,
    /// Their bytes, Ethernet headers included.
    pub bytes: u64,
    /// How many packets there are of each size: up to 64, 128, 256, 512, 1024 and 1518 bytes, and above.
    pub sizes: [u64; SizeClass::COUNT],
}

impl VerdictCounter {
    /// What was counted under the verdict with this action and reason.
    pub fn new(action: &str, reason: &str, counted: &VerdictCounters) -> Self {
        Self {
            action: action.to_owned(),
            reason: reason.to_owned(),
            packets: counted.packets(),
            bytes: counted.bytes,
            sizes: counted.sizes,
        }
    }
}
