use super::Address;
use crate::wire::Be16;

/// A service: where clients connect to. Key of the map `SERVICES`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(C)]
pub struct ServiceKey {
    /// The VIP.
    pub address: Address,
    /// The port.
    pub port: Be16,
    /// The IP protocol; see [`crate::wire::protocol`].
    pub protocol: u8,
    /// Always 0.
    pub padding: u8,
}

const _: () = assert!(size_of::<ServiceKey>() == 20);

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
}

const _: () = assert!(size_of::<Service>() == 24);

/// How new flows pick a position of the service's ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub struct Scheduler(pub u32);

impl Scheduler {
    /// One position after the other.
    pub const ROUND_ROBIN: Self = Self(0);
}

/// Ring positions in one element of the map `RINGS`: a cache line of them, because an array map rounds its elements up to 8 bytes.
pub const RING_CHUNK: usize = 32;

/// Value of the map `RINGS`: back-end slots, by ring position.
pub type RingChunk = [u16; RING_CHUNK];
