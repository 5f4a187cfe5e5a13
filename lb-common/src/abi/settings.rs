use super::{MAX_DEVICES, Ticks};
use crate::flow_table::FlowState;
use crate::wire::Mac;

/// What holds for the whole program. The one element of the map `SETTINGS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Settings {
    /// Keys of the flow hash, drawn at random when the maps are made and kept as long as they live.
    pub flow_secret: [u64; 2],
    /// Buckets of the flow table, a power of two, minus one.
    pub bucket_mask: u32,
    /// How many of `devices` are in use.
    pub device_count: u32,
    /// The interfaces that the program is attached to.
    pub devices: [Device; MAX_DEVICES],
    /// How long flows are remembered.
    pub timeouts: Timeouts,
    /// Which addresses can be VIPs at all.
    pub vips: VipFilter,
}

const _: () = assert!(size_of::<Settings>() == 792);

/// How long a flow without packets keeps its place in the flow table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Timeouts {
    /// After so much silence a flow counts as over, by [`FlowState`].
    pub expired: [Ticks; FlowState::COUNT],
    /// After so much silence a flow may give way to a new one when nothing else can, by [`FlowState`].
    pub idle: [Ticks; FlowState::COUNT],
}

impl Timeouts {
    /// The values that the configuration starts from, near enough to seconds.
    pub const DEFAULT: Self = Self::new(60, 3_600, 3, 60, 300);

    /// Timeouts of flows that are half open, established over TCP, closing, and established over UDP; and how long
    /// a TCP connection is silent before it counts as idle.
    pub const fn new(half_open: Ticks, tcp: Ticks, closing: Ticks, udp: Ticks, idle: Ticks) -> Self {
        const NEVER: Ticks = Ticks::MAX;
        let mut timeouts = Self { expired: [NEVER; FlowState::COUNT], idle: [NEVER; FlowState::COUNT] };
        timeouts.expired[FlowState::EMPTY.index()] = 0;
        timeouts.expired[FlowState::HALF_OPEN.index()] = half_open;
        timeouts.expired[FlowState::ESTABLISHED.index()] = tcp;
        timeouts.expired[FlowState::CLOSING.index()] = closing;
        timeouts.expired[FlowState::DATAGRAMS.index()] = udp;
        timeouts.idle[FlowState::ESTABLISHED.index()] = idle;
        timeouts
    }
}

/// A set of addresses that may name too many, but never misses one (Bloom, 1970, with one hash). Packets for other addresses are
/// passed without a look into the flow table, which would cost a cache miss each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct VipFilter([u64; 64]);

impl VipFilter {
    /// No address.
    pub const EMPTY: Self = Self([0; 64]);

    /// Adds an IPv4 address, as a word in memory order.
    pub fn insert(&mut self, address: u32) {
        let (word, bit) = Self::place(address);
        self.0[word] |= bit;
    }

    /// Adds all addresses of another filter.
    pub fn extend(&mut self, other: &Self) {
        for (word, more) in self.0.iter_mut().zip(other.0) {
            *word |= more;
        }
    }

    /// Whether an IPv4 address, as a word in memory order, may be in the set.
    #[inline(always)]
    pub fn may_contain(&self, address: u32) -> bool {
        let (word, bit) = Self::place(address);
        // The mask in `place` keeps the index inside the array: there is no check left to fail.
        self.0[word] & bit != 0
    }

    #[inline(always)]
    fn place(address: u32) -> (usize, u64) {
        let hash = address.wrapping_mul(0x9e37_79b1) >> 20;
        ((hash >> 6) as usize & 63, 1 << (hash & 63))
    }
}

/// An interface that the program is attached to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Device {
    /// Kernel's index of the interface; 0 for none.
    pub ifindex: u32,
    /// Its Ethernet address. Frames to another one are not the balancer's.
    pub mac: Mac,
    /// Always 0.
    pub padding: [u8; 2],
}

const _: () = assert!(size_of::<Device>() == 12);
