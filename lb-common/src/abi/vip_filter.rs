use super::Address;

/// A set of addresses that may name too many, but never misses one (Bloom, 1970, with one hash). Packets for other addresses are
/// passed without a look into the flow table, which would cost a cache miss each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct VipFilter([u64; 64]);

impl VipFilter {
    /// No address.
    pub const EMPTY: Self = Self([0; 64]);

    /// Adds an address.
    pub fn insert(&mut self, address: Address) {
        let digest = if address.is_v4() { address.words()[3] } else { digest(address.words()) };
        let (word, bit) = place(digest);
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
    pub fn may_contain_v4(&self, address: u32) -> bool {
        self.has(address)
    }

    /// Whether an IPv6 address, as words in memory order, may be in the set.
    #[inline(always)]
    pub fn may_contain_v6(&self, address: [u32; 4]) -> bool {
        self.has(digest(address))
    }

    #[inline(always)]
    fn has(&self, digest: u32) -> bool {
        let (word, bit) = place(digest);
        // The mask in `place` keeps the index inside the array: there is no check left to fail.
        self.0[word] & bit != 0
    }
}

#[inline(always)]
fn digest([a, b, c, d]: [u32; 4]) -> u32 {
    a.rotate_left(9) ^ b.rotate_left(18) ^ c.rotate_left(27) ^ d
}

#[inline(always)]
fn place(digest: u32) -> (usize, u64) {
    let hash = digest.wrapping_mul(0x9e37_79b1) >> 20;
    ((hash >> 6) as usize & 63, 1 << (hash & 63))
}
