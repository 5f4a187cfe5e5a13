use lb_common::quic::QuicConfig;
use std::fmt;
use zeroize::{DefaultIsZeroes, Zeroize};

/// How connection IDs of a codepoint name servers, with the key. It is never shown, and wiped from memory when it is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct QuicSecret(Box<Wiped>);

#[derive(Clone, Copy, PartialEq, Eq)]
struct Wiped(QuicConfig);

impl Default for Wiped {
    fn default() -> Self {
        Self(QuicConfig::NONE)
    }
}

impl DefaultIsZeroes for Wiped {}

impl QuicSecret {
    /// Keeps a configuration.
    pub fn new(config: QuicConfig) -> Self {
        Self(Box::new(Wiped(config)))
    }

    /// The configuration.
    pub fn config(&self) -> &QuicConfig {
        &self.0.0
    }
}

impl Drop for QuicSecret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for QuicSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("QuicSecret(..)")
    }
}
