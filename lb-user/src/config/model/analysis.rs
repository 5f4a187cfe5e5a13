use std::ops::RangeInclusive;

/// What is found out about the traffic besides counting it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Analysis {
    /// Packets that are looked at a second, about; 0: none.
    pub samples: u32,
    /// Whether the names that clients ask for when they begin TLS are kept.
    pub server_names: bool,
    /// Whether it is kept how things went.
    pub history: bool,
}

impl Analysis {
    /// A history, and samples without names.
    pub const DEFAULT: Self = Self { samples: 1_000, server_names: false, history: true };

    /// How many samples a second there may be: the ring that they go through holds more than come between two looks into it.
    pub const SAMPLES: RangeInclusive<u32> = 0..=10_000;
}
