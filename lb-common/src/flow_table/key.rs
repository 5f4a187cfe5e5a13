use crate::abi::Address;
use crate::atomic::SharedWord;
use crate::flow::{FlowKey, Ports};
use crate::wire::Be16;

/// The 5-tuple of a remembered flow, which its entry knows by its hash only. Value of the map `KEYS`, whose index is that of the flow's
/// bucket times [`super::WAYS`], and the entry's.
///
/// Half a cache line, so that writing one costs no more than one miss: the first half of the VIP is left out. It is 0 for IPv4, and one of
/// few for IPv6. Nothing is decided by a stored key. It is written word by word while others may read, so whoever reads it checks it by
/// its hash: [`super::Entry::is_of`].
#[repr(C, align(32))]
#[cfg_attr(not(target_arch = "bpf"), derive(Default))]
pub struct StoredKey([SharedWord; 4]);

const _: () = assert!(size_of::<StoredKey>() == 32);

impl StoredKey {
    /// Replaces it.
    #[inline(always)]
    pub fn store(&self, key: &FlowKey) {
        let ([a, b, c, d], [.., g, h]) = (key.source.words(), key.destination.words());
        let Self([first, second, third, fourth]) = self;
        first.store(joined(a, b));
        second.store(joined(c, d));
        third.store(key.ports.word() | u64::from(key.protocol) << 32);
        fourth.store(joined(g, h));
    }

    /// Has its cache line fetched.
    #[inline(always)]
    pub fn touch(&self) {
        self.0[0].load();
    }

    /// What it is at this moment, if the VIP begins with these words: perhaps nobody's, or a mixture of two.
    pub fn load(&self, [e, f]: [u32; 2]) -> FlowKey {
        let [first, second, third, fourth] = self.0.each_ref().map(SharedWord::load);
        let ([a, b], [c, d], [g, h]) = (parted(first), parted(second), parted(fourth));
        FlowKey {
            source: Address::from_words([a, b, c, d]),
            destination: Address::from_words([e, f, g, h]),
            ports: Ports { source: Be16::from_raw(third as u16), destination: Be16::from_raw((third >> 16) as u16) },
            protocol: (third >> 32) as u32,
        }
    }
}

#[inline(always)]
fn joined(low: u32, high: u32) -> u64 {
    u64::from(low) | u64::from(high) << 32
}

fn parted(word: u64) -> [u32; 2] {
    [word as u32, (word >> 32) as u32]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_keeps_what_is_put_in() {
        let v6 = Address::new([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]);
        let stored = StoredKey::default();
        assert_eq!(stored.load([0; 2]), FlowKey::BLANK);
        for destination in [v6, Address::from_v4([192, 0, 2, 10])] {
            let ports = Ports { source: Be16::new(40_000), destination: Be16::new(443) };
            let key = FlowKey { source: v6, destination, ports, protocol: 132 };
            stored.store(&key);
            assert_eq!(stored.load(destination.first_half()), key);
        }
    }
}
