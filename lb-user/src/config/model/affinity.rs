use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

/// How clients are sent where they were before: sessions are reused the more, the longer, and the load is spread the less evenly.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Affinity {
    /// How long a client's new flows go to the back-end of its earlier ones.
    pub window: Duration,
    /// When windows begin and end.
    pub reset: Reset,
    /// Leading bits of an IPv4 address that make a client; 1 to 32.
    pub prefix: u8,
    /// Leading bits of an IPv6 address that make a client; 1 to 128.
    pub prefix_v6: u8,
    /// A back-end with more than so many times the mean load gets no client for its past alone; 1.0 to 1000.0. `None`: any load.
    pub max_load: Option<f64>,
}

impl Affinity {
    /// Every IPv4 address is a client by itself, unless the configuration says otherwise.
    pub const DEFAULT_PREFIX: u8 = 32;
    /// So is every IPv6 address.
    pub const DEFAULT_PREFIX_V6: u8 = 128;
    /// What times the mean load may be the most.
    pub const MAX_LOADS: RangeInclusive<f64> = 1.0..=1_000.0;
}

/// When the windows of affinity begin and end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reset {
    /// For all clients at once: all memory is initialised at each window's end.
    Epoch,
    /// For each client by itself: its window begins with its first flow.
    Client,
}

impl fmt::Display for Reset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Epoch => "epoch",
            Self::Client => "client",
        })
    }
}
