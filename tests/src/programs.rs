//! What a kernel says of a program that it has accepted.

use serde::{Deserialize, Serialize};

/// A program that was loaded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loaded {
    /// The object that it is in.
    pub object: String,
    /// Its name there.
    pub name: String,
    /// Instructions that the verifier looked at, one as often as it is reached in another way.
    pub verified: u32,
    /// Its instructions, in bytes.
    pub bytes: u32,
    /// What they were translated to for the processor, in bytes; 0 if it was not.
    pub machine_bytes: u32,
}
