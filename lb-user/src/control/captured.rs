use super::types::TraceLine;
use std::time::SystemTime;

/// A packet that was captured in the program, which libpcap cannot see.
#[derive(Clone, Debug)]
pub struct CapturedPacket {
    /// When it came.
    pub at: SystemTime,
    /// What was decided of it, with the interface that it came in by, and its length.
    pub decision: TraceLine,
    /// The interface that it left by, if it did.
    pub egress: Option<String>,
    /// Its length after the rewrite.
    pub new_len: u32,
    /// Its first bytes, as it came in.
    pub before: Vec<u8>,
    /// Its first bytes, as it went out.
    pub after: Vec<u8>,
}
