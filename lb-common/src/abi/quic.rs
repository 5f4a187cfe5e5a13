use crate::quic::ServerId;

/// A configuration of QUIC connection IDs. Key of the map `QUIC`, whose value is a [`crate::quic::QuicConfig`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(C)]
pub struct QuicKey {
    /// [`super::Service::id`] of the service that it belongs to.
    pub service: u32,
    /// The first three bits of the connection IDs that it is about.
    pub codepoint: u32,
}

/// A server that connection IDs name. Key of the map `QUIC_SERVERS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(C)]
pub struct QuicServerKey {
    /// The server's name in connection IDs, which says the codepoint as well.
    pub server: ServerId,
    /// [`super::Service::id`] of the service that it belongs to.
    pub service: u32,
    /// Always 0.
    pub padding: u32,
}

const _: () = assert!(size_of::<QuicServerKey>() == 24);

/// Who that server is. Value of the map `QUIC_SERVERS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct QuicServer {
    /// Slot of the back-end.
    pub slot: u16,
    /// The slot's generation: see [`super::Backend::generation`].
    pub generation: u16,
}
