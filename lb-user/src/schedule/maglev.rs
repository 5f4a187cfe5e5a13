//! Maglev hashing (Eisenbud et al., NSDI 2016, section 3.4): every back-end fills the ring in an order of its own, all taking turns in
//! proportion to their weights, so that they get their shares, and one that leaves gives up little more than its own.

use super::Candidate;
use super::apportion::apportion;
use lb_common::abi::Address;

/// Positions of the scheduler's ring: the paper's. It is prime, as they all are, so that a walk of any step visits every position.
pub(super) const MAGLEV_SIZE: usize = 65_537;

/// Sizes of the consistent ring. Each is about twice the one before, so that a ring takes little more than twice what it needs, and
/// two generations of all consistent rings fit into the map of rings.
const CONSISTENT_SIZES: [usize; 8] = [1_021, 2_039, 4_093, 8_191, 16_381, 32_749, 65_521, 131_071];

/// The ring of the scheduler `maglev`. Like the consistent ring it depends on addresses and weights only.
pub(super) fn maglev_ring(backends: &[Candidate]) -> Vec<u16> {
    ring_of_size(backends, MAGLEV_SIZE)
}

/// The consistent ring: smaller, since every service has one.
pub(super) fn consistent_ring(backends: &[Candidate]) -> Vec<u16> {
    ring_of_size(backends, consistent_size(backends.len()))
}

/// Positions of the consistent ring of `backends` back-ends: at least 100 for each, so that equal shares differ by 1 % at most.
pub(super) fn consistent_size(backends: usize) -> usize {
    const LARGEST: usize = CONSISTENT_SIZES[CONSISTENT_SIZES.len() - 1];
    CONSISTENT_SIZES.into_iter().find(|&size| size >= 100 * backends).unwrap_or(LARGEST)
}

/// The ring of `size` positions, a prime. All back-ends have weight.
fn ring_of_size(backends: &[Candidate], size: usize) -> Vec<u16> {
    if backends.is_empty() {
        return Vec::new();
    }
    let mut backends = backends.to_vec();
    backends.sort_by_key(|backend| backend.address);
    let weights: Vec<u64> = backends.iter().map(|backend| u64::from(backend.weight)).collect();
    let mut walks: Vec<Walk> = backends.iter().map(|backend| Walk::new(backend, size)).collect();

    let mut ring = vec![0; size];
    let mut taken = vec![false; size];
    for index in turns(&apportion(&weights, size)) {
        let walk = &mut walks[usize::from(index)];
        let position = walk.next_free(&taken);
        taken[position] = true;
        ring[position] = walk.slot;
    }
    ring
}

/// Who has a turn, one after the other, by the index of the share. There are as many rounds as the largest share has turns; the turns of
/// each are spread evenly over them, from the first one on. In a round, turns go by index.
fn turns(shares: &[usize]) -> Vec<u16> {
    let rounds = shares.iter().copied().max().unwrap_or(0);
    let turns = (0..).zip(shares).flat_map(|(index, &share)| rounds_of(share, rounds).map(move |round| (round, index)));

    // A counting sort by round: that goes with the number of turns, however unequal the shares are.
    let mut next = vec![0; rounds + 1];
    turns.clone().for_each(|(round, _)| next[round + 1] += 1);
    for round in 0..rounds {
        next[round + 1] += next[round];
    }
    let mut sorted = vec![0; next[rounds]];
    turns.for_each(|(round, index)| {
        sorted[next[round]] = index;
        next[round] += 1;
    });
    sorted
}

/// The rounds in which somebody has a turn: `turn * rounds / share`, without a division for each turn.
fn rounds_of(share: usize, rounds: usize) -> impl Iterator<Item = usize> + Clone {
    // Exact for rings of up to 2²⁰ positions.
    const FRACTION: u32 = 40;
    let stride = ((rounds as u64) << FRACTION).div_ceil(share as u64);
    (0..share as u64).map(move |turn| ((turn * stride) >> FRACTION) as usize)
}

/// The order in which one back-end asks for positions.
struct Walk {
    slot: u16,
    position: usize,
    step: usize,
}

impl Walk {
    fn new(backend: &Candidate, size: usize) -> Self {
        let [high, low] = halves(backend.address).map(|half| mix(half ^ 0x6a09_e667_f3bc_c908));
        let position = (mix(high ^ low.rotate_left(32)) % size as u64) as usize;
        let step = (mix(low.wrapping_add(high.rotate_left(17))) % (size as u64 - 1)) as usize + 1;
        Self { slot: backend.slot, position, step }
    }

    /// The first position of the walk that nobody has; moves on past it.
    fn next_free(&mut self, taken: &[bool]) -> usize {
        loop {
            let position = self.position;
            self.position += self.step;
            if self.position >= taken.len() {
                self.position -= taken.len();
            }
            if !taken[position] {
                return position;
            }
        }
    }
}

fn halves(address: Address) -> [u64; 2] {
    let number = u128::from_be_bytes(address.octets());
    [(number >> 64) as u64, number as u64]
}

/// The finalizer of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
fn mix(mut word: u64) -> u64 {
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

#[cfg(test)]
mod tests;
