use super::{AccessList, Address, Ticks, TimeoutClass};
use crate::wire::Be16;

/// A service: where clients connect to. Key of the map `SERVICES`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(C)]
pub struct ServiceKey {
    /// The VIP.
    pub address: Address,
    /// The port; of several, the first.
    pub port: Be16,
    /// The IP protocol; see [`crate::wire::protocol`].
    pub protocol: u8,
    /// Whether it has one port or several.
    pub kind: ServiceKind,
}

const _: () = assert!(size_of::<ServiceKey>() == 20);

/// How many ports a service has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(transparent)]
pub struct ServiceKind(pub u8);

impl ServiceKind {
    /// One.
    pub const PORT: Self = Self(0);
    /// A range of ports, or all. The map `PORTS` leads to it.
    pub const RANGE: Self = Self(1);
}

/// A destination that may be one of a range's. Key of the map `PORTS`, whose longest prefix decides: all bits but some of `port`. Its
/// value is the port in the range's [`ServiceKey`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(C)]
pub struct PortsKey {
    /// The VIP.
    pub address: Address,
    /// The IP protocol.
    pub protocol: u8,
    /// Always 0.
    pub padding: u8,
    /// The port.
    pub port: Be16,
}

const _: () = assert!(size_of::<PortsKey>() == 20);

impl PortsKey {
    /// Bits of the key in front of the port's.
    pub const ADDRESS_BITS: u32 = 144;
    /// Bits of the whole key.
    pub const BITS: u32 = Self::ADDRESS_BITS + 16;
}

/// How a service hands out its new flows. Value of the map `SERVICES`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Service {
    /// Index of the service's counters and of its round-robin cursor; below [`super::MAX_SERVICES`].
    pub id: u32,
    /// How new flows pick from the ring.
    pub scheduler: Scheduler,
    /// First position of the scheduler's ring in `RINGS`.
    pub ring_start: u32,
    /// Positions of the scheduler's ring; 0 when no back-end is ready.
    pub ring_len: u32,
    /// First position of the consistent ring in `RINGS`.
    pub consistent_start: u32,
    /// Positions of the consistent ring; 0 when no back-end is ready.
    pub consistent_len: u32,
    /// What else the service does.
    pub flags: ServiceFlags,
    /// The service's access list; only with [`ServiceFlags::ACCESS`].
    pub access: AccessList,
    /// New flows per second, at most; 0 for any number.
    pub new_flow_rate: u32,
    /// New flows per second from one source prefix, at most; 0 for any number.
    pub source_rate: u32,
    /// New flows per second above which half-open ones are not remembered; 0 for any number.
    pub flood_rate: u32,
    /// How long a client goes where it was; 0 for no affinity.
    pub affinity_window: Ticks,
    /// When a client is scheduled anew.
    pub affinity_reset: AffinityReset,
    /// Which timeouts its flows have.
    pub timeouts: TimeoutClass,
    /// Always 0.
    pub padding: u16,
    /// Bits of a client's mapped address that affinity goes by: for IPv4, then for IPv6.
    pub affinity_prefix: [u8; 2],
    /// Bits of a source's mapped address that its rate is counted by: for IPv4, then for IPv6.
    pub source_prefix: [u8; 2],
}

const _: () = assert!(size_of::<Service>() == 60);

/// How new flows pick a position of the service's ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub struct Scheduler(pub u32);

impl Scheduler {
    /// One position after the other.
    pub const ROUND_ROBIN: Self = Self(0);
    /// One position after the other; back-ends have as many as their weights say.
    pub const WEIGHTED_ROUND_ROBIN: Self = Self(1);
    /// One position after the other; back-ends with fewer live flows have more.
    pub const LEAST_CONNECTIONS: Self = Self(2);
    /// One position after the other; back-ends with fewer live flows for their weight have more.
    pub const WEIGHTED_LEAST_CONNECTIONS: Self = Self(3);
    /// By the client's address.
    pub const SOURCE_HASH: Self = Self(4);
    /// By the flow (Maglev hashing).
    pub const MAGLEV: Self = Self(5);

    /// Whether flows index its ring; otherwise they walk it.
    pub const fn is_hashed(self) -> bool {
        matches!(self, Self::SOURCE_HASH | Self::MAGLEV)
    }

    /// Whether its ring depends on how many live flows back-ends have.
    pub const fn heeds_load(self) -> bool {
        matches!(self, Self::LEAST_CONNECTIONS | Self::WEIGHTED_LEAST_CONNECTIONS)
    }
}

/// What a service does beyond scheduling, as bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub struct ServiceFlags(pub u32);

impl ServiceFlags {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// Every packet is scheduled by itself; no flow is remembered.
    pub const ONE_PACKET: Self = Self(1);
    /// An access list says which sources may open flows.
    pub const ACCESS: Self = Self(2);
    /// The access list names sources that may; others may not.
    pub const ALLOW_LISTED_ONLY: Self = Self(4);
    /// Packets are routed by QUIC connection IDs where they can be.
    pub const QUIC: Self = Self(8);
    /// Flows that are not known pass to the network stack: no back-end passes its health check.
    pub const PASSING: Self = Self(16);

    /// Whether all of `flags` are set.
    #[inline(always)]
    pub const fn has(self, flags: Self) -> bool {
        self.0 & flags.0 == flags.0
    }

    /// These flags, and those.
    #[must_use]
    pub const fn with(self, flags: Self) -> Self {
        Self(self.0 | flags.0)
    }
}

/// When affinity forgets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub struct AffinityReset(pub u8);

impl AffinityReset {
    /// Every client at the end of every window.
    pub const EPOCH: Self = Self(0);
    /// Each client a window after its first flow.
    pub const CLIENT: Self = Self(1);
}

/// Ring positions in one element of the map `RINGS`: a cache line of them, because an array map rounds its elements up to 8 bytes.
pub const RING_CHUNK: usize = 32;

/// Value of the map `RINGS`: back-end slots, by ring position.
pub type RingChunk = [u16; RING_CHUNK];
