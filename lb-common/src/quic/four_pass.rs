//! Four-pass encryption (5.4.2, 5.5.2): a Feistel network of four rounds over a plaintext of 5 to 19 octets, with AES in each.
//!
//! The plaintext is cut in the middle; an odd number of octets, through the one in the middle. Both halves are kept as the draft writes
//! them, as octets with four zero bits in place of what belongs to the other half; and at the start of a block, as AES takes them.

use super::block::{Block, from_words, shift_left, shift_right};
use super::config::QuicConfig;
use super::connection_id::Rest;

/// Left and right.
type Halves = [Block; 2];

const PASSES: u8 = 4;

/// The server id of a ciphertext, at the start of a block; what is behind it means nothing.
#[inline(always)]
pub(super) fn decrypt(config: &QuicConfig, ciphertext: Rest) -> Block {
    let mut halves = split(config, ciphertext);
    for number in (1..=PASSES).rev() {
        pass(config, number, &mut halves);
        // Undoing the first pass gives the right half, which nobody needs when the server id is in the left one.
        if number == 2 && config.server_id_len <= config.nonce_len {
            break;
        }
    }
    join(config, halves).block
}

/// Enciphers server id and nonce.
pub(super) fn encrypt(config: &QuicConfig, plaintext: Rest) -> Rest {
    let mut halves = split(config, plaintext);
    for number in 1..=PASSES {
        pass(config, number, &mut halves);
    }
    join(config, halves)
}

/// Adds to one half what the other one is enciphered to: to the right half in odd passes, to the left one in even passes. Done
/// twice, it is undone.
#[inline(always)]
fn pass(config: &QuicConfig, number: u8, halves: &mut Halves) {
    let to = usize::from(number % 2);
    let expanded = halves[1 - to] | Block::from(config.plaintext_len()) << 8 | Block::from(number);
    // By index, not by a choice of two values, which the compiler would keep both of on the stack.
    halves[to] = (halves[to] ^ config.keys.encrypt(expanded)) & from_words(config.half_masks[to]);
}

#[inline(always)]
fn split(config: &QuicConfig, octets: Rest) -> Halves {
    let start = right_start(config);
    let right = shift_left(octets.block, start) | shift_right(Block::from(octets.tail) << 104, 128 - start);
    let [left_mask, right_mask] = config.half_masks.map(from_words);
    [octets.block & left_mask, right & right_mask]
}

/// [`split`] undone.
#[inline(always)]
fn join(config: &QuicConfig, [left, right]: Halves) -> Rest {
    let start = right_start(config);
    Rest { block: left | shift_right(right, start), tail: (shift_left(right, 128 - start) >> 104) as u32 }
}

/// The bit of the plaintext at which the first octet of the right half begins: 16 to 72.
#[inline(always)]
fn right_start(config: &QuicConfig) -> u32 {
    u32::from(config.plaintext_len() / 2) * 8
}
