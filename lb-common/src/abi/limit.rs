use super::Address;

/// A source prefix whose new flows are limited. Key of the map `SOURCES`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(C)]
pub struct SourceKey {
    /// [`super::Service::id`] of the service that limits it.
    pub service: u32,
    /// The prefix, with zeroes behind it.
    pub source: Address,
}

const _: () = assert!(size_of::<SourceKey>() == 20);

/// Index of a limiter in the map `LIMITERS`: those of the whole program first, then three for each service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limiter(u32);

impl Limiter {
    /// Answers to echo requests.
    pub const ECHO: Self = Self(0);
    /// Messages that a packet is too big.
    pub const TOO_BIG: Self = Self(1);

    const OF_PROGRAM: u32 = 8;

    /// How many there are.
    pub const COUNT: u32 = Self::OF_PROGRAM + 3 * super::MAX_SERVICES;

    /// New flows of a service.
    #[inline(always)]
    pub const fn new_flows(service: u32) -> Self {
        Self(Self::OF_PROGRAM + 3 * service)
    }

    /// New flows of a service that are remembered while they are half open.
    #[inline(always)]
    pub const fn half_open(service: u32) -> Self {
        Self(Self::OF_PROGRAM + 3 * service + 1)
    }

    /// Connections of a service that are remembered although their beginning was not seen.
    #[inline(always)]
    pub const fn unknown_flows(service: u32) -> Self {
        Self(Self::OF_PROGRAM + 3 * service + 2)
    }

    /// Its index.
    #[inline(always)]
    pub const fn index(self) -> u32 {
        self.0
    }
}
