use super::Be16;
use crate::frame::Header;

/// A VLAN tag and the type of what follows it (IEEE 802.1Q, 9.6). In front of it, the type of the tag itself takes the place of the
/// frame's.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Vlan {
    /// Priority (3 bits), drop eligible (1) and identifier (12).
    pub control: Be16,
    /// What the payload is; see [`super::ether_type`].
    pub ether_type: Be16,
}

// SAFETY: two 16-bit words.
unsafe impl Header for Vlan {}
