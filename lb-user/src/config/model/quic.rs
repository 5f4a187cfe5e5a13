use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;
use zeroize::Zeroize;

/// How the connection IDs of one codepoint name back-ends (draft-ietf-quic-load-balancers, 3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quic {
    /// The first three bits of the connection IDs that this is about; 0 to 6, once a service.
    pub codepoint: u8,
    /// Bytes of a server ID; 1 to 15.
    pub server_id_len: u8,
    /// Bytes of the nonce behind it; 4 to 18, and with the server ID at most 19.
    pub nonce_len: u8,
    /// What server ID and nonce are encrypted with; `None`: they are not.
    pub key: Option<QuicKey>,
    /// Server IDs, `server_id_len` bytes each, by the names of the back-ends; none twice. Not every back-end needs one.
    pub servers: BTreeMap<String, Vec<u8>>,
}

impl Quic {
    /// Codepoints that stand for a configuration; the last one, 7, says that there is none.
    pub const CODEPOINTS: RangeInclusive<u8> = 0..=6;
    /// How many bytes a server ID may have.
    pub const SERVER_ID_LENS: RangeInclusive<u8> = 1..=15;
    /// How many bytes a nonce may have.
    pub const NONCE_LENS: RangeInclusive<u8> = 4..=18;
    /// Most bytes of server ID and nonce together: a connection ID has 20, the first of them is taken.
    pub const MAX_LEN: u8 = 19;
}

/// An AES-128 key. It is never shown, and wiped from memory when it is dropped: it stays in one place there, however often its
/// owner moves.
#[derive(Clone, PartialEq, Eq)]
pub struct QuicKey(Box<[u8; Self::LEN]>);

impl QuicKey {
    /// Bytes of a key.
    pub const LEN: usize = 16;

    /// From twice as many hexadecimal digits; `None` when `digits` are none.
    pub(in crate::config) fn from_hex(digits: &str) -> Option<Self> {
        let mut key = Self(Box::new([0; Self::LEN]));
        hex::decode_to_slice(digits, key.0.as_mut_slice()).ok()?;
        Some(key)
    }

    /// The key itself.
    pub fn bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }
}

impl Drop for QuicKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for QuicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("QuicKey(secret)")
    }
}
