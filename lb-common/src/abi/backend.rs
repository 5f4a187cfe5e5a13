use super::{Address, Ticks};
use crate::wire::Mac;

/// A back-end of one service and the way to it. Value of the map `BACKENDS`, whose index is the back-end's slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C, align(8))]
pub struct Backend {
    /// The back-end's own address.
    pub address: Address,
    /// [`super::Service::id`] of the service that it belongs to.
    pub service: u32,
    /// The interface that it is reached through.
    pub ifindex: u32,
    /// Its Ethernet address on that segment.
    pub mac: Mac,
    /// The interface's own Ethernet address.
    pub source_mac: Mac,
    /// How often the slot was given to another back-end. Flows remember it, so that a flow of the slot's former owner is not
    /// mistaken for one of the new owner.
    pub generation: u16,
    /// Whether the slot is in use.
    pub state: BackendState,
    /// Always 0.
    pub padding: u8,
    /// When the back-end was removed from its service; only for [`BackendState::LEAVING`].
    pub leaving_since: Ticks,
    /// Always 0. Makes the value a cache line.
    pub reserved: [u32; 5],
}

const _: () = assert!(size_of::<Backend>() == 64);

impl Backend {
    /// A slot that was never used.
    pub const FREE: Self = Self {
        address: Address([0; 16]),
        service: 0,
        ifindex: 0,
        mac: Mac::new([0; 6]),
        source_mac: Mac::new([0; 6]),
        generation: 0,
        state: BackendState::FREE,
        padding: 0,
        leaving_since: 0,
        reserved: [0; 5],
    };
}

/// What a back-end slot is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub struct BackendState(pub u8);

impl BackendState {
    /// Nothing.
    pub const FREE: Self = Self(0);
    /// A back-end of a service.
    pub const ACTIVE: Self = Self(1);
    /// A back-end that was removed from its service; its live flows may end in peace.
    pub const LEAVING: Self = Self(2);
}
