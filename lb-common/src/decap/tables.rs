//! What a decision may ask of the world. The XDP program implements it over its maps.

use crate::abi::Address;
use crate::wire::Be16;

/// Everything that a decision reads.
pub trait Tables {
    /// What holds for the whole program; `None` before it was written.
    fn settings(&self) -> Option<&Settings>;

    /// Whether this is an address of the host, where a tunnel may end.
    fn is_own(&self, address: &Address) -> bool;

    /// Whether a tunnel may begin at this address.
    fn is_tunnel_source(&self, address: &Address) -> bool;

    /// Whether this is a VIP: only packets for one come out of a tunnel.
    fn is_vip(&self, address: &Address) -> bool;
}

/// What holds for the whole program. The one element of the map `SETTINGS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Settings {
    /// UDP port of generic UDP encapsulation.
    pub gue_port: Be16,
    /// Always 0. An array map rounds its elements up to 8 bytes.
    pub padding: [u8; 6],
}

const _: () = assert!(size_of::<Settings>() == 8);

impl Settings {
    /// With generic UDP encapsulation at this port.
    pub const fn new(gue_port: u16) -> Self {
        Self { gue_port: Be16::new(gue_port), padding: [0; 6] }
    }
}
