use super::block::{Block, from_words, to_words};
use super::connection_id::UNROUTABLE;
use core::fmt;

/// Most octets of a server id, which leaves room for the shortest nonce.
pub const MAX_SERVER_ID_LEN: usize = 15;

/// Names a server among those of one service. Part of a map's key.
///
/// In memory, the octets of the id, zeros up to 15, and a last octet of codepoint (high four bits) and length (low four bits): ids of
/// different codepoints have nothing to do with each other (5.1).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(C)]
pub struct ServerId([u64; 2]);

const _: () = assert!(size_of::<ServerId>() == 16);

impl ServerId {
    /// No server.
    pub const NONE: Self = Self([0; 2]);

    /// The server `octets` of configuration `codepoint`. `None` when that is no codepoint of a configuration, or there are no octets
    /// or more than [`MAX_SERVER_ID_LEN`].
    pub fn new(codepoint: u8, octets: &[u8]) -> Option<Self> {
        if codepoint >= UNROUTABLE || !(1..=MAX_SERVER_ID_LEN).contains(&octets.len()) {
            return None;
        }
        let mut block = [0; 16];
        block[..octets.len()].copy_from_slice(octets);
        Some(Self::from_block(codepoint, Block::from_be_bytes(block), octets.len() as u8))
    }

    /// The server id of `len` octets that `block` holds, and nothing else.
    #[inline(always)]
    pub(super) fn from_block(codepoint: u8, block: Block, len: u8) -> Self {
        let tag = codepoint << 4 | len;
        Self(to_words(block | Block::from(tag)).map(u64::to_be))
    }

    /// The configuration that it belongs to.
    pub fn codepoint(&self) -> u8 {
        self.block() as u8 >> 4
    }

    /// How many octets it has.
    pub fn octet_count(&self) -> usize {
        self.block() as usize & 0xf
    }

    /// Its octets, zeros behind them.
    pub fn octets(&self) -> [u8; MAX_SERVER_ID_LEN] {
        let mut octets = [0; MAX_SERVER_ID_LEN];
        octets.copy_from_slice(&self.block().to_be_bytes()[..MAX_SERVER_ID_LEN]);
        octets
    }

    /// All 16 octets.
    fn block(&self) -> Block {
        from_words(self.0.map(u64::from_be))
    }
}

impl fmt::Debug for ServerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ServerId({}, ", self.codepoint())?;
        self.octets()[..self.octet_count()].iter().try_for_each(|octet| write!(f, "{octet:02x}"))?;
        f.write_str(")")
    }
}
