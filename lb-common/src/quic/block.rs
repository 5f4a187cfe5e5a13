//! Blocks of 16 octets.

/// Sixteen octets as a big-endian number: the first octet is the highest.
pub(super) type Block = u128;

/// A block as two words, the first octet in the highest of the first word.
#[inline(always)]
pub(super) const fn to_words(block: Block) -> [u64; 2] {
    [(block >> 64) as u64, block as u64]
}

/// The inverse of [`to_words`].
#[inline(always)]
pub(super) const fn from_words([high, low]: [u64; 2]) -> Block {
    (high as u128) << 64 | low as u128
}

/// `block << distance`, for up to 126.
///
/// BPF has no shift of 128 bits: with a distance that it does not know, LLVM calls a library that is not there. This one takes two
/// steps, because a comparison of the distance with 64 would have the verifier follow two paths through all that comes after it.
#[inline(always)]
pub(super) fn shift_left(block: Block, distance: u32) -> Block {
    let step = |block, distance| {
        let [high, low] = to_words(block);
        // 64 - distance would be 64 for none.
        from_words([high << distance | low >> 1 >> (63 - distance), low << distance])
    };
    step(step(block, distance / 2), distance - distance / 2)
}

/// `block >> distance`, for up to 126. See [`shift_left`].
#[inline(always)]
pub(super) fn shift_right(block: Block, distance: u32) -> Block {
    let step = |block, distance| {
        let [high, low] = to_words(block);
        from_words([high >> distance, low >> distance | high << 1 << (63 - distance)])
    };
    step(step(block, distance / 2), distance - distance / 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn shifts_are_those_of_the_language(block: Block, distance in 0..=126u32) {
            prop_assert_eq!(shift_left(block, distance), block << distance);
            prop_assert_eq!(shift_right(block, distance), block >> distance);
        }
    }
}
