//! Sealing: HPKE (RFC 9180) with X25519, HKDF-SHA256 and ChaCha20-Poly1305, in the mode that also shows who has sealed.

use super::Error;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::{Deserializable, Kem, OpModeR, OpModeS, Serializable, single_shot_open, single_shot_seal_with_rng};
use rand::SeedableRng;
use rand::rngs::{StdRng, SysRng};
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::str::FromStr;
use zeroize::Zeroizing;

type Private = <X25519HkdfSha256 as Kem>::PrivateKey;
type Public = <X25519HkdfSha256 as Kem>::PublicKey;
type Encapsulated = <X25519HkdfSha256 as Kem>::EncappedKey;

/// What is sealed here is good for nothing else.
const INFO: &[u8] = b"handoff ticket ring 1";
/// The file of a key is one line of base64.
const LONGEST_FILE: u64 = 1_024;

/// The secret key of an agent: it opens what is sealed for it, and seals for others in its name.
#[derive(Clone)]
pub struct SealKey(Private);

/// The public key of an agent. As text it is in base64.
#[derive(Clone, PartialEq, Eq)]
pub struct PeerKey(Public);

/// A text that only one agent can read.
pub(super) struct Sealed {
    pub(super) encapsulated: Vec<u8>,
    pub(super) text: Vec<u8>,
}

impl SealKey {
    /// A fresh key.
    ///
    /// # Errors
    /// When the kernel gives no random bytes.
    pub fn random() -> Result<Self, getrandom::Error> {
        let mut seed = Zeroizing::new([0; 32]);
        getrandom::fill(&mut seed[..])?;
        Ok(Self(X25519HkdfSha256::derive_keypair(&seed[..]).0))
    }

    /// The key that others know it by.
    pub fn public(&self) -> PeerKey {
        PeerKey(X25519HkdfSha256::sk_to_pk(&self.0))
    }

    /// Reads the key in a file that its owner alone may read.
    ///
    /// # Errors
    /// When it cannot be read, others may read it, or it holds no key.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let failed = |source| Error::File { path: path.to_owned(), source };
        let invalid = |reason: &str| Error::SealKey { path: path.to_owned(), reason: reason.to_owned() };
        let file = File::open(path).map_err(failed)?;
        if file.metadata().map_err(failed)?.mode() & 0o077 != 0 {
            return Err(invalid("others than its owner may use it: chmod 600"));
        }
        let mut text = Zeroizing::new(String::with_capacity(LONGEST_FILE as usize));
        file.take(LONGEST_FILE).read_to_string(&mut text).map_err(failed)?;
        let bytes = STANDARD.decode(text.trim()).map(Zeroizing::new);
        let key = bytes.ok().and_then(|bytes| Private::from_bytes(&bytes).ok());
        key.map(Self).ok_or_else(|| invalid("it is no seal key; `handoff tickets seal-key` makes one"))
    }

    /// Writes it into a new file, for its owner alone.
    ///
    /// # Errors
    /// When there is such a file already, or it cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), Error> {
        let text = Zeroizing::new(STANDARD.encode(Zeroizing::new(self.0.to_bytes().to_vec())) + "\n");
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        let written = file.and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()));
        written.map_err(|source| Error::File { path: path.to_owned(), source })
    }

    /// Seals `text` for the agent with the key `recipient`; `about` is what it belongs to, and has to be the same when it is opened.
    pub(super) fn seal(&self, recipient: &PeerKey, about: &[u8], text: &[u8]) -> Result<Sealed, String> {
        let mode = OpModeS::Auth((self.0.clone(), self.public().0));
        let mut random = StdRng::try_from_rng(&mut SysRng).map_err(|error| error.to_string())?;
        let sealed = single_shot_seal_with_rng::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
            &mode,
            &recipient.0,
            INFO,
            text,
            about,
            &mut random,
        );
        let (encapsulated, text) = sealed.map_err(|error| error.to_string())?;
        Ok(Sealed { encapsulated: encapsulated.to_bytes().to_vec(), text })
    }

    /// Opens what the agent with the key `sender` has sealed for this one.
    pub(super) fn open(&self, sender: &PeerKey, about: &[u8], sealed: &Sealed) -> Option<Zeroizing<Vec<u8>>> {
        let mode = OpModeR::Auth(sender.0.clone());
        let encapsulated = Encapsulated::from_bytes(&sealed.encapsulated).ok()?;
        let text = single_shot_open::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
            &mode,
            &self.0,
            &encapsulated,
            INFO,
            &sealed.text,
            about,
        );
        text.ok().map(Zeroizing::new)
    }
}

impl fmt::Debug for SealKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealKey({})", self.public())
    }
}

impl FromStr for PeerKey {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let key = STANDARD.decode(text.trim()).ok().and_then(|bytes| Public::from_bytes(&bytes).ok());
        key.map(Self).ok_or_else(|| "no public key, as `handoff tickets seal-key` prints it".to_owned())
    }
}

impl fmt::Display for PeerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&STANDARD.encode(self.0.to_bytes()))
    }
}

impl fmt::Debug for PeerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PeerKey({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn only_the_recipient_opens_and_only_what_the_sender_has_sealed() {
        let [sender, recipient, other] = [(); 3].map(|()| SealKey::random().unwrap());
        let sealed = sender.seal(&recipient.public(), b"about", b"text").unwrap();
        let opened = |key: &SealKey, sender: &SealKey, about: &[u8], sealed: &Sealed| {
            key.open(&sender.public(), about, sealed).map(|text| text.to_vec())
        };
        assert_eq!(opened(&recipient, &sender, b"about", &sealed).as_deref(), Some(&b"text"[..]));
        assert_eq!(opened(&other, &sender, b"about", &sealed), None);
        assert_eq!(opened(&recipient, &other, b"about", &sealed), None);
        assert_eq!(opened(&recipient, &sender, b"other", &sealed), None);
        for damage in [
            |sealed: &mut Sealed| sealed.text[0] ^= 1,
            |sealed: &mut Sealed| sealed.encapsulated[0] ^= 1,
            |sealed: &mut Sealed| sealed.encapsulated.fill(0),
            |sealed: &mut Sealed| sealed.encapsulated.truncate(31),
            |sealed: &mut Sealed| sealed.text.truncate(3),
        ] {
            let mut sealed = sender.seal(&recipient.public(), b"about", b"text").unwrap();
            damage(&mut sealed);
            assert_eq!(opened(&recipient, &sender, b"about", &sealed), None);
        }
    }

    #[test]
    fn a_seal_key_is_kept_in_a_file_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("seal.key");
        let key = SealKey::random().unwrap();
        key.save(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(SealKey::load(&path).unwrap().public(), key.public());
        assert_eq!(key.public().to_string().parse::<PeerKey>().unwrap(), key.public());
        assert!(matches!(key.save(&path), Err(Error::File { .. })));
        fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        assert!(SealKey::load(&path).unwrap_err().to_string().contains("chmod 600"));
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        fs::write(&path, "c2hvcnQ=").unwrap();
        assert!(SealKey::load(&path).unwrap_err().to_string().contains("is no seal key"));
        assert!("c2hvcnQ=".parse::<PeerKey>().is_err());
    }
}
