use crc::{CRC_64_XZ, Crc, Digest, Table};

/// Bytes that are made at once.
const PIECE: usize = 64 * 1024;

static CRC: Crc<u64, Table<16>> = Crc::<u64, Table<16>>::new(&CRC_64_XZ);

/// The first `len` bytes of what is exchanged: the numbers from 0 on, eight bytes each. No two pieces are alike, so whatever is lost,
/// doubled, out of place or damaged shows in the digest.
pub(super) fn content(len: u64) -> impl Iterator<Item = Vec<u8>> {
    (0..len).step_by(PIECE).map(move |at| {
        let mut piece = vec![0; PIECE];
        for (bytes, number) in piece.chunks_exact_mut(8).zip(at / 8..) {
            bytes.copy_from_slice(&number.to_be_bytes());
        }
        piece.truncate(usize::try_from(len - at).unwrap_or(PIECE));
        piece
    })
}

/// What the digest of the first `len` bytes should be.
pub(super) fn expected(len: u64) -> u64 {
    let mut digest = digest();
    content(len).for_each(|piece| digest.update(&piece));
    digest.finalize()
}

/// A digest of nothing yet (CRC-64/XZ).
pub(super) fn digest() -> Digest<'static, u64, Table<16>> {
    CRC.digest()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_is_numbers() {
        assert_eq!(content(12).collect::<Vec<_>>(), [[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]]);
        let bytes: Vec<u8> = content(PIECE as u64 + 17).flatten().collect();
        assert_eq!((bytes.len(), &bytes[PIECE + 8..]), (PIECE + 17, &[0, 0, 0, 0, 0, 0, 0x20, 1, 0][..]));
    }

    #[test]
    fn a_lost_piece_shows() {
        let mut lossy = digest();
        content(3 * PIECE as u64).step_by(2).for_each(|piece| lossy.update(&piece));
        assert_ne!(lossy.finalize(), expected(2 * PIECE as u64));
    }
}
