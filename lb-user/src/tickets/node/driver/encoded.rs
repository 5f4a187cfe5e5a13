//! Keys in base64, of which no copies are left behind.

use crate::tickets::Key;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use zeroize::Zeroizing;

/// Bytes of an encoded key.
pub(super) const SIZE: usize = Key::SIZE.div_ceil(3) * 4;

/// Appends the bytes of a key. There has to be room for it: what grows leaves a copy where it was before.
pub(super) fn append(content: &mut Zeroizing<Vec<u8>>, key: &[u8]) {
    let start = content.len();
    content.resize(start + SIZE, 0);
    // It has just the size that is needed.
    let _ = BASE64_STANDARD.encode_slice(key, &mut content[start..]);
}
