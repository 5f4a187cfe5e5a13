//! What is written into etcd: rings, sealed, and what is public of them.

use super::seal::{PeerKey, SealKey, Sealed};
use crate::tickets::{BootTime, Key, Ring, RingName, Slot, Version};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use zeroize::Zeroizing;

/// The longest value that is read. The usual ones have less than 1 KiB.
const LONGEST: usize = 64 << 10;
/// Bytes of a ring: when it was sealed, how long ago it was shifted, and for each key how old it is, and the key.
const TEXT_SIZE: usize = 8 + 8 + 3 * (8 + Key::SIZE);

/// A ring for one agent.
#[derive(Serialize, Deserialize)]
struct SealedRing {
    from: String,
    #[serde(flatten)]
    version: Version,
    /// In base64, as the next one.
    encapsulated: String,
    sealed: String,
}

/// What everybody may know of a ring.
#[derive(Serialize, Deserialize)]
pub(super) struct Public {
    #[serde(flatten)]
    pub(super) version: Version,
    pub(super) leader: String,
    /// Milliseconds since 1970.
    pub(super) published: u64,
}

/// A clock that all machines share, as far as they go right, and this machine's own.
#[derive(Clone, Copy)]
pub(super) struct Clocks {
    /// Since 1970.
    pub(super) wall: Duration,
    pub(super) boot: BootTime,
}

impl Clocks {
    pub(super) fn now() -> Self {
        // Before 1970 nobody believes this clock, and rings of others are as good as fresh.
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { wall, boot: BootTime::now() }
    }
}

impl Public {
    /// What can be read of it.
    pub(super) fn parse(value: &[u8]) -> Option<Self> {
        (value.len() <= LONGEST).then(|| serde_json::from_slice(value).ok()).flatten()
    }
}

/// Seals a ring for one agent.
pub(super) fn seal(
    (sender, key): (&str, &SealKey),
    (recipient, public): (&str, &PeerKey),
    name: &RingName,
    ring: &Ring,
    now: Clocks,
) -> Result<Vec<u8>, String> {
    let about = about(sender, recipient, name, ring.version);
    let sealed = key.seal(public, &about, &write(ring, now))?;
    let value = SealedRing {
        from: sender.to_owned(),
        version: ring.version,
        encapsulated: STANDARD.encode(sealed.encapsulated),
        sealed: STANDARD.encode(sealed.text),
    };
    serde_json::to_vec(&value).map_err(|error| error.to_string())
}

/// Opens what one of `peers` has sealed for `recipient`, or says why not.
pub(super) fn open(
    (recipient, key): (&str, &SealKey),
    peers: &BTreeMap<String, PeerKey>,
    name: &RingName,
    value: &[u8],
    now: Clocks,
) -> Result<Ring, String> {
    if value.len() > LONGEST {
        return Err(format!("it has {} bytes, which no ring has", value.len()));
    }
    let value: SealedRing = serde_json::from_slice(value).map_err(|error| format!("it is no sealed ring: {error}"))?;
    let sender = peers.get(&value.from).ok_or_else(|| format!("it is from {:?}, who is no peer", value.from))?;
    let decode = |text: &str| STANDARD.decode(text).map_err(|error| format!("it is no sealed ring: {error}"));
    let sealed = Sealed { encapsulated: decode(&value.encapsulated)?, text: decode(&value.sealed)? };
    let about = about(&value.from, recipient, name, value.version);
    let text = key.open(sender, &about, &sealed).ok_or_else(|| {
        format!(
            "{:?} has not sealed it for {recipient:?} as ring {name} {}, or with other keys",
            value.from, value.version
        )
    })?;
    read(value.version, &text, now)
}

/// What a sealed ring belongs to. None of the names can hold a line break.
fn about(sender: &str, recipient: &str, name: &RingName, version: Version) -> Vec<u8> {
    format!("{sender}\n{recipient}\n{name}\n{}\n{}", version.term, version.epoch).into_bytes()
}

/// Moments are ages here: clocks that count from the start of a machine mean nothing on another one.
fn write(ring: &Ring, now: Clocks) -> Zeroizing<Vec<u8>> {
    let mut text = Zeroizing::new(Vec::with_capacity(TEXT_SIZE));
    let age = |moment: BootTime| milliseconds(now.boot.since(moment)).to_be_bytes();
    text.extend(milliseconds(now.wall).to_be_bytes());
    text.extend(age(ring.shifted));
    for (_, slot) in ring.slots() {
        text.extend(age(slot.created));
        text.extend(slot.key.bytes());
    }
    text
}

/// The time that the text was on the way, or lay in etcd, adds to all ages. If the other machine's clock is ahead, it is taken for none.
fn read(version: Version, text: &[u8], now: Clocks) -> Result<Ring, String> {
    if text.len() != TEXT_SIZE {
        return Err(format!(
            "it holds {} bytes instead of {TEXT_SIZE}: do all agents have the same release?",
            text.len()
        ));
    }
    let (times, slots) = text.split_at(16);
    let (sealed_at, shifted) = times.split_at(8);
    let on_the_way = now.wall.saturating_sub(duration(sealed_at));
    let moment = |age: &[u8]| now.boot.minus(duration(age).saturating_add(on_the_way));
    let slot = |number: usize| {
        let (age, key) = slots[number * (8 + Key::SIZE)..][..8 + Key::SIZE].split_at(8);
        let key = Key::from_bytes(key).map_err(|error| format!("a key of it: {error}"))?;
        Ok::<_, String>(Slot { key, created: moment(age) })
    };
    Ok(Ring { version, shifted: moment(shifted), old: slot(0)?, active: slot(1)?, next: slot(2)? })
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Big-endian milliseconds.
fn duration(bytes: &[u8]) -> Duration {
    Duration::from_millis(bytes.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clocks(wall: u64, boot: u64) -> Clocks {
        Clocks { wall: Duration::from_secs(wall), boot: BootTime::after_start(Duration::from_secs(boot)) }
    }

    fn name(text: &str) -> RingName {
        text.to_owned().try_into().unwrap()
    }

    struct Agents {
        a: SealKey,
        b: SealKey,
        peers: BTreeMap<String, PeerKey>,
    }

    fn agents() -> Agents {
        let [a, b] = [(); 2].map(|()| SealKey::random().unwrap());
        let peers = [("a".to_owned(), a.public()), ("b".to_owned(), b.public())].into();
        Agents { a, b, peers }
    }

    impl Agents {
        fn seal(&self, ring: &Ring, now: Clocks) -> Vec<u8> {
            seal(("a", &self.a), ("b", &self.peers["b"]), &name("web"), ring, now).unwrap()
        }

        fn open(&self, value: &[u8], now: Clocks) -> Result<Ring, String> {
            open(("b", &self.b), &self.peers, &name("web"), value, now)
        }
    }

    #[test]
    fn a_ring_arrives_with_its_ages_whatever_the_machines_clocks_count_from() {
        let agents = agents();
        let at = |seconds| BootTime::after_start(Duration::from_secs(seconds));
        let ring = Ring::begin(7, at(500)).unwrap().shift(at(900)).unwrap();
        let value = agents.seal(&ring, clocks(10_000, 1_000));
        let received = agents.open(&value, clocks(10_000, 5_000)).unwrap();
        assert_eq!(
            (received.shifted, received.active.created, received.next.created),
            (at(4_900), at(4_500), at(4_900))
        );
        assert_eq!((received.version, &received.active.key), (ring.version, &ring.active.key));
        // 50 s in etcd make it 50 s older, and a clock that is behind makes it no younger.
        assert_eq!(agents.open(&value, clocks(10_050, 5_000)).unwrap().shifted, at(4_850));
        assert_eq!(agents.open(&value, clocks(9_000, 5_000)).unwrap().shifted, at(4_900));
    }

    #[test]
    fn what_was_not_sealed_for_this_place_is_refused() {
        let agents = agents();
        let ring = Ring::begin(7, BootTime::now()).unwrap();
        let now = Clocks::now();
        let value = String::from_utf8(agents.seal(&ring, now)).unwrap();
        let refused = |value: &str| agents.open(value.as_bytes(), now).unwrap_err();
        assert!(agents.open(value.as_bytes(), now).is_ok());
        assert!(refused(&value.replace("\"epoch\":1", "\"epoch\":2")).contains("has not sealed it"));
        assert!(refused(&value.replace("\"term\":7", "\"term\":8")).contains("has not sealed it"));
        assert!(refused(&value.replace("\"from\":\"a\"", "\"from\":\"b\"")).contains("has not sealed it"));
        assert!(refused(&value.replace("\"from\":\"a\"", "\"from\":\"c\"")).contains("who is no peer"));
        let elsewhere = open(("b", &agents.b), &agents.peers, &name("mail"), value.as_bytes(), now);
        assert!(elsewhere.unwrap_err().contains("ring mail"));
        assert!(open(("a", &agents.a), &agents.peers, &name("web"), value.as_bytes(), now).is_err());
        for nonsense in
            ["", "{}", "[]", &value[..100], &" ".repeat(LONGEST + 1), &value.replace("sealed\":\"", "sealed\":\"*")]
        {
            assert!(agents.open(nonsense.as_bytes(), now).is_err(), "{nonsense}");
        }
    }

    #[test]
    fn a_text_of_another_size_or_with_keys_that_are_none_is_refused() {
        let ring = Ring::begin(1, BootTime::now()).unwrap();
        let now = Clocks::now();
        let text = write(&ring, now);
        assert!(read(ring.version, &text, now).is_ok());
        assert!(read(ring.version, &text[1..], now).is_err());
        let mut blank = text.to_vec();
        blank[24..24 + Key::SIZE].fill(0);
        assert!(read(ring.version, &blank, now).unwrap_err().contains("never made"));
    }

    #[test]
    fn what_is_public_of_a_ring_is_its_version_and_who_made_it_when() {
        let public = Public { version: Version { term: 3, epoch: 4 }, leader: "lb-1".to_owned(), published: 5 };
        let value = serde_json::to_vec(&public).unwrap();
        assert_eq!(String::from_utf8_lossy(&value), r#"{"term":3,"epoch":4,"leader":"lb-1","published":5}"#);
        assert_eq!(Public::parse(&value).map(|it| it.version), Some(public.version));
        assert!(Public::parse(b"{}").is_none() && Public::parse(&vec![b' '; LONGEST + 1]).is_none());
    }
}
