use getrandom::Error as RandomError;
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;
use zeroize::Zeroizing;

/// A session-ticket encryption key: 80 random bytes, which are a name of 16, a key of 32 for the message authentication code and one
/// of 32 for the cipher.
///
/// All copies of it are one place in memory, on the heap, which is overwritten with the last of them. What is shown of a key is its
/// [`KeyId`] alone.
#[derive(Clone)]
pub struct Key(Arc<Zeroizing<[u8; Self::SIZE]>>);

/// What a key is called wherever people or programs see it: the first 12 hexadecimal digits of the SHA-256 of its name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KeyId(String);

/// Why these bytes cannot be a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WeakKey {
    /// Somebody has cut it off, or it is for another kind of server.
    #[error("it has {0} bytes instead of 80")]
    Size(usize),
    /// Memory that nobody has written to, most likely.
    #[error("its {0} consists of the same byte again and again: it was never made")]
    Uniform(&'static str),
    /// A random number generator that repeats itself.
    #[error("its {0} consists of the same eight bytes again and again: it is not random")]
    Periodic(&'static str),
}

impl Key {
    /// Bytes of a key.
    pub const SIZE: usize = 80;
    /// Bytes of its name, which every ticket under it begins with.
    pub const NAME_SIZE: usize = 16;

    /// A fresh key from the kernel's random number generator.
    ///
    /// # Errors
    /// When the kernel gives no random bytes, or such that cannot be random.
    pub fn random() -> Result<Self, NoKey> {
        let mut bytes = Arc::new(Zeroizing::new([0; Self::SIZE]));
        getrandom::fill(&mut Arc::make_mut(&mut bytes)[..]).map_err(NoKey::Random)?;
        check(&bytes[..])?;
        Ok(Self(bytes))
    }

    /// The key with these bytes.
    ///
    /// # Errors
    /// When they cannot be a key that was made at random.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, WeakKey> {
        check(bytes)?;
        let mut place = Arc::new(Zeroizing::new([0; Self::SIZE]));
        Arc::make_mut(&mut place).copy_from_slice(bytes);
        Ok(Self(place))
    }

    /// What the key is called in public.
    pub fn id(&self) -> KeyId {
        let digest = digest(&SHA256, self.name());
        KeyId(hex::encode(&digest.as_ref()[..6]))
    }

    /// All bytes: the name, the authentication key and the cipher key.
    pub fn bytes(&self) -> &[u8; Self::SIZE] {
        &self.0
    }

    /// What tickets under it begin with, in clear: 16 bytes.
    pub fn name(&self) -> &[u8] {
        &self.0[..Self::NAME_SIZE]
    }

    /// The key of HMAC-SHA256: 32 bytes.
    pub fn mac_key(&self) -> &[u8] {
        &self.0[Self::NAME_SIZE..48]
    }

    /// The key of AES-256: 32 bytes.
    pub fn cipher_key(&self) -> &[u8] {
        &self.0[48..]
    }
}

/// Equal in all bytes; how long that takes says nothing about them.
impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        let differences = self.bytes().iter().zip(other.bytes()).fold(0, |found, (a, b)| found | (a ^ b));
        std::hint::black_box(differences) == 0
    }
}

impl Eq for Key {}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.id())
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Why there is no fresh key.
#[derive(Clone, Copy, Debug, thiserror::Error)]
pub enum NoKey {
    /// The kernel gives no random bytes.
    #[error("the kernel gives no random bytes: {0}")]
    Random(RandomError),
    /// It gives such that cannot be random.
    #[error("the kernel's random bytes make no key: {0}")]
    Weak(#[from] WeakKey),
}

/// Refuses what was never filled with random bytes. That has happened to others: in times without traffic they encrypted tickets with
/// zeros (Hebrok et al., "We Really Need to Talk About Session Tickets", 2023).
fn check(bytes: &[u8]) -> Result<(), WeakKey> {
    if bytes.len() != Key::SIZE {
        return Err(WeakKey::Size(bytes.len()));
    }
    for (part, range) in [("name", 0..16), ("authentication key", 16..48), ("cipher key", 48..80)] {
        let bytes = &bytes[range];
        if bytes.windows(2).all(|pair| pair[0] == pair[1]) {
            return Err(WeakKey::Uniform(part));
        }
        if bytes.chunks(8).all(|chunk| chunk == &bytes[..8]) {
            return Err(WeakKey::Periodic(part));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fresh_key_is_unlike_any_other_and_shows_nothing_of_itself() {
        let (one, other) = (Key::random().unwrap(), Key::random().unwrap());
        assert_ne!(one, other);
        assert_ne!(one.id(), other.id());
        assert_eq!(one, Key::from_bytes(one.bytes()).unwrap());
        assert_eq!([one.name(), one.mac_key(), one.cipher_key()].concat(), one.bytes());
        assert_eq!(format!("{one:?}"), format!("Key({})", one.id()));
        assert_eq!(one.id().to_string().len(), 12);
    }

    #[test]
    fn what_was_never_made_is_refused() {
        let good = *Key::random().unwrap().bytes();
        assert_eq!(Key::from_bytes(&good[..48]).unwrap_err(), WeakKey::Size(48));
        assert_eq!(Key::from_bytes(&[0; 80]).unwrap_err(), WeakKey::Uniform("name"));
        let mut bytes = good;
        bytes[48..].fill(0);
        assert_eq!(Key::from_bytes(&bytes).unwrap_err(), WeakKey::Uniform("cipher key"));
        let mut bytes = good;
        bytes[16..48].copy_from_slice(&[1, 2, 3, 4, 5, 6, 7, 8].repeat(4));
        assert_eq!(Key::from_bytes(&bytes).unwrap_err(), WeakKey::Periodic("authentication key"));
    }
}
