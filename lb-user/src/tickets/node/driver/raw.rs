//! One key a file, as nginx reads them: name, authentication key, cipher key.

use super::KeyFile;
use crate::tickets::{Ring, Slot};
use zeroize::Zeroizing;

/// Three files of 80 bytes. The old key comes first: should a server start in between, it has one key twice, but lacks none that others
/// encrypt with.
pub(super) fn files(ring: &Ring) -> Vec<KeyFile> {
    let keys = [("old.key", &ring.old), ("active.key", &ring.active), ("next.key", &ring.next)];
    let file = |(name, slot): (_, &Slot)| KeyFile { name, content: Zeroizing::new(slot.key.bytes().to_vec()) };
    keys.map(file).into()
}
