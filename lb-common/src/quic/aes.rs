//! AES-128 (FIPS 197), one block at a time, in the same time whatever the key and the block are.
//!
//! The block is cut into bit planes, so that plain logic works on all its bytes at once: no memory is read at an address that depends
//! on a secret. Clients choose the blocks and can time the answers, and tables have given keys away like that (Bernstein,
//! "Cache-timing attacks on AES", 2005). In the kernel, a block takes about 225 ns to encipher and 255 ns to decipher; with tables in
//! a warm cache it would be 75 ns. Only packets that are routed by an enciphered server id pay for it.

use super::block::{Block, from_words, to_words};
use super::sbox;
use core::fmt;

/// A block as bit planes of 16 bits: the first word holds planes 0 to 3, from the lowest bits up, the second one 4 to 7. Bit `i` of a
/// plane is from byte `i` of the block, which is row `i % 4`, column `i / 4` of the state in FIPS 197.
type Planes = [u64; 2];

const ROUNDS: usize = 10;

/// The keys of all rounds, to encipher and to decipher with. Shown by no `Debug`.
///
/// Kept as bit planes. From round 1 on they have the S-box's constant added: it passes through all other steps of a round unchanged, so
/// it need not be added to the data each time.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(transparent)]
pub(super) struct RoundKeys([Planes; ROUNDS + 1]);

impl RoundKeys {
    /// No keys.
    pub(super) const NONE: Self = Self([[0; 2]; ROUNDS + 1]);

    /// Expands a key (FIPS 197, 5.2). For the agent.
    pub(super) fn expand(key: [u8; 16]) -> Self {
        let mut key = Block::from_be_bytes(key);
        let mut keys = Self::NONE;
        keys.0[0] = slice(key);
        let mut round_constant = 1;
        for planes in &mut keys.0[1..] {
            key = next_round_key(key, round_constant);
            *planes = slice(key ^ SBOX_CONSTANT);
            // Doubled in the field.
            round_constant = round_constant << 1 ^ if round_constant & 0x80 == 0 { 0 } else { 0x11b };
        }
        keys
    }

    /// Enciphers a block (FIPS 197, 5.1).
    #[inline(always)]
    pub(super) fn encrypt(&self, block: Block) -> Block {
        let mut state = add(slice(block), self.0[0]);
        for round in 1..=ROUNDS {
            state = shift_rows(substitute(state));
            if round < ROUNDS {
                state = mix_columns(state);
            }
            state = add(state, self.0[round]);
        }
        unslice(state)
    }

    /// Deciphers a block (FIPS 197, 5.3).
    #[inline(always)]
    pub(super) fn decrypt(&self, block: Block) -> Block {
        let mut state = add(slice(block), self.0[ROUNDS]);
        for round in (0..ROUNDS).rev() {
            state = inverse_substitute(inverse_shift_rows(state));
            state = add(state, self.0[round]);
            if round > 0 {
                state = inverse_mix_columns(state);
            }
        }
        unslice(state)
    }
}

impl fmt::Debug for RoundKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RoundKeys(..)")
    }
}

/// The constant of the S-box, in every byte.
const SBOX_CONSTANT: Block = 0x6363_6363_6363_6363_6363_6363_6363_6363;

/// The key of a round from that of the round before it.
fn next_round_key(key: Block, round_constant: u32) -> Block {
    let last = key as u32;
    let substituted = unslice(substitute(slice(Block::from(last.rotate_left(8))))) ^ SBOX_CONSTANT;
    let first = key ^ Block::from(substituted as u32 ^ round_constant << 24) << 96;
    // Every word is the sum of the new word before it and its own old value.
    let sums = first ^ first >> 32;
    sums ^ sums >> 64
}

#[inline(always)]
fn add([a, b]: Planes, [c, d]: Planes) -> Planes {
    [a ^ c, b ^ d]
}

#[inline(always)]
fn substitute(state: Planes) -> Planes {
    merge(sbox::substitute(split(state)))
}

#[inline(always)]
fn inverse_substitute(state: Planes) -> Planes {
    merge(sbox::inverse_substitute(split(state)))
}

/// One plane a word, with bits of other planes above it.
#[inline(always)]
fn split([low, high]: Planes) -> sbox::Byte {
    [low, low >> 16, low >> 32, low >> 48, high, high >> 16, high >> 32, high >> 48].map(|word| word as u32)
}

#[inline(always)]
fn merge([a, b, c, d, e, f, g, h]: sbox::Byte) -> Planes {
    [[a, b, c, d], [e, f, g, h]]
        .map(|[a, b, c, d]| u64::from(a & 0xffff | b << 16) | u64::from(c & 0xffff | d << 16) << 32)
}

/// Rotates row `r` by `r` columns to the left.
#[inline(always)]
fn shift_rows(state: Planes) -> Planes {
    state.map(|word| {
        let word = shift_last_two_rows(word);
        word & each(0x5555) | word >> 4 & each(0x0aaa) | word << 12 & each(0xa000)
    })
}

/// Rotates row `r` by `r` columns to the right.
#[inline(always)]
fn inverse_shift_rows(state: Planes) -> Planes {
    state.map(|word| {
        let word = shift_last_two_rows(word);
        word & each(0x5555) | word << 4 & each(0xaaa0) | word >> 12 & each(0x000a)
    })
}

/// Rotates rows 2 and 3 by two columns; what remains to do is to rotate rows 1 and 3 by one.
#[inline(always)]
fn shift_last_two_rows(word: u64) -> u64 {
    exchange(word, 8, each(0x00cc))
}

/// Every byte becomes 2·a + 3·b + c + d, which is 2·(a + b) + b + (c + d): of itself and the three below it in its column.
#[inline(always)]
fn mix_columns(state: Planes) -> Planes {
    let next = state.map(|word| word >> 1 & each(0x7777) | word << 3 & each(0x8888));
    let sum = add(state, next);
    add(add(double(sum), next), sum.map(row_after_next))
}

/// The inverse of [`mix_columns`] is itself after a + 4·(a + c).
#[inline(always)]
fn inverse_mix_columns(state: Planes) -> Planes {
    let sum = add(state, state.map(row_after_next));
    mix_columns(add(state, double(double(sum))))
}

/// Every byte becomes the one two rows below it.
#[inline(always)]
fn row_after_next(word: u64) -> u64 {
    word >> 2 & each(0x3333) | word << 2 & each(0xcccc)
}

/// Doubles every byte: its bits move up, and what was the highest becomes t⁸ = t⁴ + t³ + t + 1.
#[inline(always)]
fn double([low, high]: Planes) -> Planes {
    let carry = high >> 48;
    [low << 16 ^ carry ^ carry << 16 ^ carry << 48, high << 16 ^ low >> 48 ^ carry]
}

/// The pattern in each of the four planes of a word.
#[inline(always)]
const fn each(pattern: u16) -> u64 {
    pattern as u64 * 0x0001_0001_0001_0001
}

/// Cuts a block into planes.
#[inline(always)]
fn slice(block: Block) -> Planes {
    // Byte 0 becomes the lowest one. Then each word holds eight planes of its eight bytes.
    let [a, b] = to_words(block).map(|word| transpose(word.swap_bytes()));
    let low = a & 0xffff_ffff | b << 32;
    let high = a >> 32 | b & 0xffff_ffff << 32;
    // Each plane's second half moves from the upper half of the word to beside the first.
    [low, high].map(|word| exchange(exchange(word, 16, 0x0000_0000_ffff_0000), 8, 0x0000_ff00_0000_ff00))
}

/// Puts a block together again: [`slice()`] backwards.
#[inline(always)]
fn unslice(planes: Planes) -> Block {
    let [low, high] = planes.map(|word| exchange(exchange(word, 8, 0x0000_ff00_0000_ff00), 16, 0x0000_0000_ffff_0000));
    let a = low & 0xffff_ffff | high << 32;
    let b = low >> 32 | high & 0xffff_ffff << 32;
    from_words([a, b].map(|word| transpose(word).swap_bytes()))
}

/// Exchanges rows and columns of a matrix of 8 × 8 bits, a byte each row: of its 1 × 1, 2 × 2 and 4 × 4 blocks, those off the diagonal.
#[inline(always)]
fn transpose(word: u64) -> u64 {
    let word = exchange(word, 7, 0x00aa_00aa_00aa_00aa);
    let word = exchange(word, 14, 0x0000_cccc_0000_cccc);
    exchange(word, 28, 0x0000_0000_f0f0_f0f0)
}

/// Exchanges the bits under `mask` with those that are `distance` above them.
#[inline(always)]
fn exchange(word: u64, distance: u32, mask: u64) -> u64 {
    let difference = (word ^ word >> distance) & mask;
    word ^ difference ^ difference << distance
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::aes::Aes128;
    use ::aes::cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
    use proptest::prelude::*;
    use std::format;

    #[test]
    fn the_examples_of_fips_197() {
        // Appendices B and C.1.
        let examples: [(u128, Block, Block); 2] = [
            (
                0x2b7e151628aed2a6abf7158809cf4f3c,
                0x3243f6a8885a308d313198a2e0370734,
                0x3925841d02dc09fbdc118597196a0b32,
            ),
            (
                0x000102030405060708090a0b0c0d0e0f,
                0x00112233445566778899aabbccddeeff,
                0x69c4e0d86a7b0430d8cdb78070b4c55a,
            ),
        ];
        for (key, plaintext, ciphertext) in examples {
            let keys = RoundKeys::expand(key.to_be_bytes());
            assert_eq!(keys.encrypt(plaintext), ciphertext);
            assert_eq!(keys.decrypt(ciphertext), plaintext);
        }
    }

    #[test]
    fn the_last_round_key_of_fips_197() {
        // Appendix A.1: words 40 to 43.
        let keys = RoundKeys::expand(0x2b7e151628aed2a6abf7158809cf4f3c_u128.to_be_bytes());
        assert_eq!(unslice(keys.0[ROUNDS]) ^ SBOX_CONSTANT, 0xd014f9a8c9ee2589e13f0cc8b6630ca6);
    }

    #[test]
    fn keys_are_not_shown() {
        assert_eq!(format!("{:?}", RoundKeys::expand([7; 16])), "RoundKeys(..)");
    }

    proptest! {
        #[test]
        fn every_key_and_block_as_in_another_implementation(key: [u8; 16], block: [u8; 16]) {
            let (keys, other) = (RoundKeys::expand(key), Aes128::new(&key.into()));
            let mut enciphered = block.into();
            other.encrypt_block(&mut enciphered);
            prop_assert_eq!(keys.encrypt(Block::from_be_bytes(block)).to_be_bytes(), <[u8; 16]>::from(enciphered));
            let mut deciphered = block.into();
            other.decrypt_block(&mut deciphered);
            prop_assert_eq!(keys.decrypt(Block::from_be_bytes(block)).to_be_bytes(), <[u8; 16]>::from(deciphered));
        }
    }
}
