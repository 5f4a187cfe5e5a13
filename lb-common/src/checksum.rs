//! The Internet checksum (RFC 1071): the one's complement of the one's complement sum of 16-bit words.
//!
//! The sum does not depend on byte order, as long as words go in and come out in the same one. So everything here works on words in
//! memory order, and nothing is ever swapped.

/// A sum under way. 32 bits have room for 65,535 words before a carry could be lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(transparent)]
pub struct Sum(pub u32);

impl Sum {
    /// Adds a word in memory order.
    #[inline(always)]
    pub const fn add(self, word: u16) -> Self {
        Self(self.0 + word as u32)
    }

    /// Adds four bytes, as a word in memory order.
    #[inline(always)]
    pub const fn add_quad(self, quad: u32) -> Self {
        self.add(quad as u16).add((quad >> 16) as u16)
    }

    /// Takes a word away: adds its complement (RFC 1624, 3).
    #[inline(always)]
    pub const fn remove(self, word: u16) -> Self {
        self.add(!word)
    }

    /// The sum that a checksum field stands for, without the field itself.
    #[inline(always)]
    pub const fn of_checksum(checksum: u16) -> Self {
        Self(!checksum as u32)
    }

    /// The checksum, in memory order.
    #[inline(always)]
    pub const fn checksum(self) -> u16 {
        let once = (self.0 & 0xffff) + (self.0 >> 16);
        !((once & 0xffff) + (once >> 16)) as u16
    }
}

/// The sum of bytes, the last one padded with zero.
pub fn sum(bytes: &[u8]) -> Sum {
    let words = bytes.chunks(2).map(|pair| u16::from_ne_bytes([pair[0], pair.get(1).copied().unwrap_or(0)]));
    words.fold(Sum::default(), Sum::add)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_example_of_rfc_1071() {
        let sum = sum(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]);
        assert_eq!(sum.checksum().to_ne_bytes(), [0x22, 0x0d]);
    }

    proptest! {
        #[test]
        fn replacing_a_word_is_summing_anew(mut bytes in prop::collection::vec(any::<u8>(), 2..64), word: u16) {
            let before = u16::from_ne_bytes([bytes[0], bytes[1]]);
            let updated = Sum::of_checksum(sum(&bytes).checksum()).remove(before).add(word);
            bytes[..2].copy_from_slice(&word.to_ne_bytes());
            let anew = sum(&bytes);
            // 0 and 0xffff are the same number, and either may come out when everything is zero.
            prop_assert_eq!(updated.checksum() % 0xffff, anew.checksum() % 0xffff);
        }
    }
}
