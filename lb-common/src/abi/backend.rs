use super::{Address, Ticks};
use crate::wire::{Be16, Mac, ether_type};

/// A back-end of one service and the way to it. Value of the map `BACKENDS`, whose index is the back-end's slot. The first cache line
/// is all that `l2-dsr` needs; the second one is the outer header of tunnels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C, align(8))]
pub struct Backend {
    /// The back-end's own address.
    pub address: Address,
    /// [`super::Service::id`] of the service that it belongs to.
    pub service: u32,
    /// The interface that it is reached through.
    pub ifindex: u32,
    /// Ethernet address of the back-end, or of the router on the way to it.
    pub mac: Mac,
    /// The interface's own Ethernet address.
    pub source_mac: Mac,
    /// How often the slot was given to another back-end. Flows remember it, so that a flow of the slot's former owner is not
    /// mistaken for one of the new owner.
    pub generation: u16,
    /// Whether the slot is in use.
    pub state: BackendState,
    /// How packets get to it.
    pub forwarding: Forwarding,
    /// When the back-end was removed from its service; only for [`BackendState::LEAVING`].
    pub leaving_since: Ticks,
    /// VLAN tags that frames to it leave with.
    pub tags: Tags,
    /// Length in bytes of the largest IP packet of a client that gets to it in one piece.
    pub max_len: u16,
    /// 1 when affinity may add no new flows to those that it has, else 0.
    pub is_overloaded: u8,
    /// 1 when its service routes by QUIC connection IDs, else 0.
    pub is_quic: u8,
    /// Always 0. Makes this a cache line.
    pub reserved: [u8; 6],
    /// What tunnels put in front of a packet.
    pub outer: Outer,
}

const _: () = assert!(size_of::<Backend>() == 128);

impl Backend {
    /// A slot that was never used: all zeroes, as in a new map.
    pub const FREE: Self = Self {
        address: Address::UNSPECIFIED,
        service: 0,
        ifindex: 0,
        mac: Mac::new([0; 6]),
        source_mac: Mac::new([0; 6]),
        generation: 0,
        state: BackendState::FREE,
        forwarding: Forwarding::L2_DSR,
        leaving_since: 0,
        tags: Tags { count: 0, ids: [0; 2], kinds: [Be16::new(0); 2] },
        max_len: 0,
        is_overloaded: 0,
        is_quic: 0,
        reserved: [0; 6],
        outer: Outer::NONE,
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

/// How packets get to a back-end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub struct Forwarding(pub u8);

impl Forwarding {
    /// With new Ethernet addresses, on the same segment.
    pub const L2_DSR: Self = Self(0);
    /// Inside an IPv4 packet (RFC 2003, RFC 4213).
    pub const IPIP_V4: Self = Self(1);
    /// Inside an IPv6 packet (RFC 2473).
    pub const IPIP_V6: Self = Self(2);
    /// Inside UDP over IPv4 (draft-ietf-intarea-gue).
    pub const GUE_V4: Self = Self(3);
    /// Inside UDP over IPv6.
    pub const GUE_V6: Self = Self(4);

    /// Bytes in front of the client's packet.
    #[inline(always)]
    pub const fn overhead(self) -> usize {
        match self {
            Self::IPIP_V4 => 20,
            Self::IPIP_V6 => 40,
            Self::GUE_V4 => 20 + 12,
            Self::GUE_V6 => 40 + 12,
            _ => 0,
        }
    }
}

/// VLAN tags of frames to a back-end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Tags {
    /// How many: 0 to 2, or [`Tags::KEEP`]'s.
    pub count: u16,
    /// Their identifiers, the outer one first.
    pub ids: [u16; 2],
    /// What kinds of tags they are; see [`crate::wire::ether_type`].
    pub kinds: [Be16; 2],
}

impl Tags {
    /// Those that a frame came with.
    pub const KEEP: Self = Self { count: 3, ids: [0; 2], kinds: [ether_type::VLAN; 2] };
    /// None.
    pub const NONE: Self = Self { count: 0, ..Self::KEEP };

    /// One, with this identifier.
    pub const fn one(id: u16, kind: Be16) -> Self {
        Self { count: 1, ids: [id, 0], kinds: [kind, ether_type::VLAN] }
    }

    /// Two, the outer one first.
    pub const fn two(ids: [u16; 2], kinds: [Be16; 2]) -> Self {
        Self { count: 2, ids, kinds }
    }

    /// Whether a frame keeps its tags.
    #[inline(always)]
    pub const fn is_keep(self) -> bool {
        self.count == Self::KEEP.count
    }
}

/// The header that a tunnel puts in front of a packet, but for what depends on the packet. Computed once for each back-end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C, align(4))]
pub struct Outer {
    /// IPv4 or IPv6 header, then UDP and GUE headers, as in memory; [`Forwarding::overhead`] bytes of it.
    pub header: [u16; Self::WORDS],
    /// Bits of the source address that are taken from the flow's hash, so that receivers spread flows over their CPUs: of an IPv4
    /// address all, of an IPv6 address the last 64. In memory order.
    pub spread: [u16; 4],
    /// Always 0.
    pub reserved: [u16; 2],
}

const _: () = assert!(size_of::<Outer>() == 64);

impl Outer {
    /// Words of the longest header: IPv6, UDP and GUE.
    pub const WORDS: usize = 26;

    /// There is no tunnel.
    pub const NONE: Self = Self { header: [0; Self::WORDS], spread: [0; 4], reserved: [0; 2] };
}
