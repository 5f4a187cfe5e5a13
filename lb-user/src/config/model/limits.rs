/// How many new flows a service takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// A second, at most, from all clients together; at least 1.
    pub new_flows: Option<u32>,
    /// A second, at most, from each source prefix; at least 1.
    pub new_flows_per_source: Option<u32>,
    /// Leading bits of an IPv4 address that make a source; 1 to 32.
    pub source_prefix: u8,
    /// Leading bits of an IPv6 address that make a source; 1 to 128.
    pub source_prefix_v6: u8,
    /// New flows a second above which half-open ones are not remembered but forwarded by the consistent ring; at least 1.
    pub flood_above: Option<u32>,
}

impl Limits {
    /// None; a source would be one IPv4 address, or one IPv6 subnet.
    pub const DEFAULT: Self = Self {
        new_flows: None,
        new_flows_per_source: None,
        source_prefix: 32,
        source_prefix_v6: 64,
        flood_above: None,
    };
}
