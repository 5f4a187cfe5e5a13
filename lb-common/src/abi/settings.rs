use super::{MAX_DEVICES, Timeouts, VipFilter};
use crate::wire::Mac;

/// What holds for the whole program. The one element of the map `SETTINGS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Settings {
    /// Keys of the flow hash, drawn at random when the maps are made and kept as long as they live.
    pub flow_secret: [u64; 2],
    /// Buckets of the flow table, a power of two, minus one.
    pub bucket_mask: u32,
    /// Buckets of the table of clients, a power of two, minus one.
    pub client_mask: u32,
    /// Answers to echo requests per second, at most; 0 for none.
    pub echo_rate: u32,
    /// Messages that a packet is too big per second, at most; 0 for none.
    pub too_big_rate: u32,
    /// 1 when there are services with several ports, else 0.
    pub has_ranges: u16,
    /// 1 when there are services that route by QUIC connection IDs, else 0.
    pub has_quic: u16,
    /// How many of `devices` are in use.
    pub device_count: u32,
    /// The interfaces that the program is attached to.
    pub devices: [Device; MAX_DEVICES],
    /// How long flows are remembered.
    pub timeouts: Timeouts,
    /// Which addresses can be VIPs at all.
    pub vips: VipFilter,
}

const _: () = assert!(size_of::<Settings>() == 16 + 24 + 192 + 1_056 + 512);

impl Settings {
    /// As in a new map: all zeroes.
    pub const ZERO: Self = Self {
        flow_secret: [0; 2],
        bucket_mask: 0,
        client_mask: 0,
        echo_rate: 0,
        too_big_rate: 0,
        has_ranges: 0,
        has_quic: 0,
        device_count: 0,
        devices: [Device { ifindex: 0, mac: Mac::new([0; 6]), padding: [0; 2] }; MAX_DEVICES],
        timeouts: Timeouts::ZERO,
        vips: VipFilter::EMPTY,
    };
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
