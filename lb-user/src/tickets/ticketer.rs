use super::{Key, Ring, Timing};
use arc_swap::ArcSwapOption;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::error::Unspecified;
use ring::hkdf::{HKDF_SHA256, KeyType, Salt};
use rustls::server::ProducesTickets;
use std::fmt;
use std::sync::Arc;
use zeroize::Zeroizing;

/// What the keys of tickets are derived for. Another use, or another format, gets another text.
const PURPOSE: &[u8] = b"handoff session ticket, rustls, AES-256-GCM, 1";
/// The longest ticket, in bytes. What rustls puts into one is a few hundred, or a few thousand with the certificates of a client.
const LONGEST: usize = 16 * 1024;

/// Session tickets of a rustls server, under the ring of its cluster: `ServerConfig::ticketer`.
///
/// Rings come from outside, one after the other, while connections go on. Without any, the server makes no tickets and takes none: every
/// handshake is a full one.
///
/// A ticket is the name of its key (16 bytes), a nonce (12 bytes) and the session under AES-256-GCM. What a session consists of is up to
/// rustls, so all servers of a ring need the same version of it.
pub struct Ticketer {
    lifetime: u32,
    keys: ArcSwapOption<Keys>,
}

impl Ticketer {
    /// A ticketer without keys.
    pub fn new(timing: Timing) -> Self {
        // A lifetime is seven days at most.
        Self { lifetime: timing.lifetime().as_secs() as u32, keys: ArcSwapOption::empty() }
    }

    /// From now on, tickets are those of `ring`: all its keys open them, the active one closes them.
    pub fn install(&self, ring: &Ring) {
        // Deriving keys of a fixed size, from keys of a fixed size, fails for no ring. If it did, no tickets would be better than wrong ones.
        self.keys.store(Keys::of(ring).ok().map(Arc::new));
    }

    /// Gives up all keys.
    pub fn clear(&self) {
        self.keys.store(None);
    }
}

impl ProducesTickets for Ticketer {
    fn enabled(&self) -> bool {
        self.keys.load().is_some()
    }

    fn lifetime(&self) -> u32 {
        self.lifetime
    }

    fn encrypt(&self, session: &[u8]) -> Option<Vec<u8>> {
        self.keys.load().as_ref()?.active.close(session)
    }

    fn decrypt(&self, ticket: &[u8]) -> Option<Vec<u8>> {
        self.keys.load().as_ref()?.open(ticket)
    }
}

impl fmt::Debug for Ticketer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ticketer").field("enabled", &self.enabled()).field("lifetime", &self.lifetime).finish()
    }
}

/// The keys of a ring, ready to use.
struct Keys {
    active: TicketKey,
    others: [TicketKey; 2],
}

impl Keys {
    fn of(ring: &Ring) -> Result<Self, Unspecified> {
        let [active, old, next] = [&ring.active, &ring.old, &ring.next].map(|slot| TicketKey::derive(&slot.key));
        Ok(Self { active: active?, others: [old?, next?] })
    }

    /// The session in `ticket`, which may be anything.
    fn open(&self, ticket: &[u8]) -> Option<Vec<u8>> {
        if ticket.len() > LONGEST {
            return None;
        }
        let (name, rest) = ticket.split_at_checked(Key::NAME_SIZE)?;
        let key = [&self.active].into_iter().chain(&self.others).find(|key| key.name == name)?;
        key.open(rest)
    }
}

/// One key of a ring, as tickets use it.
struct TicketKey {
    name: [u8; Key::NAME_SIZE],
    aead: LessSafeKey,
}

impl TicketKey {
    /// The wire has a key for each of two algorithms, and an AEAD wants one: both of them together are what it is derived from.
    fn derive(key: &Key) -> Result<Self, Unspecified> {
        let (name, secret) = key.bytes().split_first_chunk().ok_or(Unspecified)?;
        let secret = Salt::new(HKDF_SHA256, &[]).extract(secret);
        let mut derived = Zeroizing::new([0; 32]);
        secret.expand(&[PURPOSE], Aes256)?.fill(&mut derived[..])?;
        Ok(Self { name: *name, aead: LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &derived[..])?) })
    }

    /// A ticket with `session` in it.
    fn close(&self, session: &[u8]) -> Option<Vec<u8>> {
        let head = self.name.len() + NONCE_LEN;
        let size = head + session.len() + AES_256_GCM.tag_len();
        if size > LONGEST {
            return None;
        }
        // Random nonces of 96 bits are safe for 2^32 messages under a key (NIST SP 800-38D, 8.3): a million tickets a second for an hour,
        // and all servers of a ring together make far fewer in the hour or the day of a key. Counters would need to know the other servers.
        let mut nonce = [0; NONCE_LEN];
        getrandom::fill(&mut nonce).ok()?;
        let mut ticket = Vec::with_capacity(size);
        ticket.extend_from_slice(&self.name);
        ticket.extend_from_slice(&nonce);
        ticket.extend_from_slice(session);
        let nonce = Nonce::assume_unique_for_key(nonce);
        let tag = self.aead.seal_in_place_separate_tag(nonce, Aad::from(self.name), &mut ticket[head..]).ok()?;
        ticket.extend_from_slice(tag.as_ref());
        Some(ticket)
    }

    /// The session in a ticket whose name, which is this key's, was taken off.
    fn open(&self, nonce_and_sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, sealed) = nonce_and_sealed.split_first_chunk::<NONCE_LEN>()?;
        let mut session = sealed.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let size = self.aead.open_in_place(nonce, Aad::from(self.name), &mut session).ok()?.len();
        session.truncate(size);
        Some(session)
    }
}

/// The size of the key that is derived.
struct Aes256;

impl KeyType for Aes256 {
    fn len(&self) -> usize {
        AES_256_GCM.key_len()
    }
}

#[cfg(test)]
mod tests;
