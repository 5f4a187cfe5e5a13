use super::aes::RoundKeys;
use super::block::{Block, to_words};
use super::server_id::MAX_SERVER_ID_LEN;

/// Fewest octets of a nonce (5.3).
pub const MIN_NONCE_LEN: usize = 4;
/// Most octets of server id and nonce together (5.3).
pub const MAX_PLAINTEXT_LEN: usize = 19;

/// How the connection IDs of one codepoint encode the server id: what the agent works out once, for every packet. Value of a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct QuicConfig {
    /// All zeros without a key.
    pub(super) keys: RoundKeys,
    /// Where the server id is in a block that begins with it.
    pub(super) server_id_mask: [u64; 2],
    /// Where the left and the right half of a plaintext are in blocks that begin with them: see [`super::four_pass`].
    pub(super) half_masks: [[u64; 2]; 2],
    pub(super) encoding: Encoding,
    pub(super) server_id_len: u8,
    pub(super) nonce_len: u8,
    padding: [u8; 5],
}

const _: () = assert!(size_of::<QuicConfig>() == 232);

impl QuicConfig {
    /// No configuration: nothing is routed by it. All zeros, as is every element of a new array.
    pub const NONE: Self = Self {
        keys: RoundKeys::NONE,
        server_id_mask: [0; 2],
        half_masks: [[0; 2]; 2],
        encoding: Encoding::NONE,
        server_id_len: 0,
        nonce_len: 0,
        padding: [0; 5],
    };

    /// Server ids of `server_id_len` octets and nonces of `nonce_len`, enciphered with a key or in the clear. `None` when a length is
    /// not allowed: 1 to [`MAX_SERVER_ID_LEN`], at least [`MIN_NONCE_LEN`], and at most [`MAX_PLAINTEXT_LEN`] together.
    pub fn new(server_id_len: usize, nonce_len: usize, key: Option<[u8; 16]>) -> Option<Self> {
        let plaintext_len = server_id_len.checked_add(nonce_len)?;
        if !(1..=MAX_SERVER_ID_LEN).contains(&server_id_len)
            || nonce_len < MIN_NONCE_LEN
            || plaintext_len > MAX_PLAINTEXT_LEN
        {
            return None;
        }
        let encoding = match key {
            None => Encoding::PLAINTEXT,
            Some(_) if plaintext_len == size_of::<Block>() => Encoding::SINGLE_PASS,
            Some(_) => Encoding::FOUR_PASS,
        };
        let left = first_bits(4 * plaintext_len);
        let right = left >> (4 * (plaintext_len % 2));
        Some(Self {
            keys: key.map_or(RoundKeys::NONE, RoundKeys::expand),
            server_id_mask: to_words(first_bits(8 * server_id_len)),
            half_masks: [left, right].map(to_words),
            encoding,
            server_id_len: server_id_len as u8,
            nonce_len: nonce_len as u8,
            padding: [0; 5],
        })
    }

    /// Octets of server id and nonce together.
    #[inline(always)]
    pub(super) fn plaintext_len(&self) -> u8 {
        self.server_id_len + self.nonce_len
    }
}

fn first_bits(count: usize) -> Block {
    !(Block::MAX >> count)
}

/// What becomes of server id and nonce in a connection ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub(super) struct Encoding(u8);

impl Encoding {
    /// There is no configuration.
    const NONE: Self = Self(0);
    /// They are in it as they are.
    pub(super) const PLAINTEXT: Self = Self(1);
    /// They are enciphered as one block of AES (5.4.1).
    pub(super) const SINGLE_PASS: Self = Self(2);
    /// They are not 16 octets, and enciphered in four passes (5.4.2).
    pub(super) const FOUR_PASS: Self = Self(3);
}
