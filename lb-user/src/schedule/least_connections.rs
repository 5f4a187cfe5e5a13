//! Least connections, weighted or not. The XDP program doesn't compare counts of live flows: the ring is weighed by them, again and
//! again, so that new flows go where there are fewest for the weight, until the counts are even.

use super::Candidate;
use super::smooth::smooth_ring;
use super::weighted_round_robin::{MAX_POSITIONS, exact_positions, weighted_round_robin_ring};

/// A count is even when it is off by so much of its fair share at most, or by one flow. With less, the ring would never come to rest.
const TOLERANCE: f64 = 0.05;

/// A back-end gets at least so much of what its weight says: even who has far too many flows is not forgotten.
const LEAST: f64 = 1.0 / POSITIONS_A_TURN as f64;

/// A back-end gets at most so many times what its weight says: who is new and has no flows is not overrun.
const MOST: f64 = 2.0;

/// Differences are evened out over new flows that are at least this part of the live ones. A service that was quiet may have a burst
/// before it gets its next ring: one of many times the flows that were planned for would turn the differences round and enlarge them.
const CAUTION: f64 = 1.0 / 8.0;

/// Positions of the weighed ring for each of the plain one: enough for [`LEAST`].
const POSITIONS_A_TURN: usize = 8;

/// Positions that the weighed ring has at least, so that shares are exact to 1 ‰ of all new flows.
const MIN_POSITIONS: usize = 1_024;

/// The ring that brings the live flows of these back-ends nearer to what their weights say. If they are as near as they need to be, it is
/// the ring of weighted round robin. All back-ends have weight.
pub(super) fn least_connections_ring(backends: &[Candidate], expected_flows: u64) -> Vec<u16> {
    if are_even(backends) {
        return weighted_round_robin_ring(backends);
    }
    // After so many new flows the differences will be gone. One each, so that it is never nothing.
    let volume = f64::max(expected_flows as f64, CAUTION * all_flows(backends)) + backends.len() as f64;
    let weights = new_flows(backends, volume).map(|flows| (flows / volume * f64::from(u32::MAX)) as u64);
    let positions = most_positions(exact_positions(backends));
    smooth_ring(backends.iter().map(|backend| backend.slot).zip(weights), positions)
}

/// Positions of the weighed ring when those of the plain one would be `exact`; the plain one itself is no longer.
pub(super) fn most_positions(exact: usize) -> usize {
    (POSITIONS_A_TURN * exact).clamp(MIN_POSITIONS, MAX_POSITIONS)
}

fn are_even(backends: &[Candidate]) -> bool {
    let mean = all_flows(backends) / all_weights(backends);
    backends.iter().all(|backend| {
        let fair = mean * f64::from(backend.weight);
        (backend.live_flows as f64 - fair).abs() <= f64::max(TOLERANCE * fair, 1.0)
    })
}

/// How many of `volume` new flows each back-end gets, by filling up with water: vessels as wide as the weights, which hold the live flows,
/// are filled to one level. But nobody gets less or more than its bounds.
fn new_flows(backends: &[Candidate], volume: f64) -> impl Iterator<Item = f64> {
    let plain = volume / all_weights(backends);
    let height = |backend: &Candidate| backend.live_flows as f64 / f64::from(backend.weight);
    let poured = move |backend: &Candidate, level: f64| {
        f64::from(backend.weight) * (level - height(backend)).clamp(LEAST * plain, MOST * plain)
    };
    // Everybody gets the least at the lower level, and the most at the upper one.
    let mut lower = 0.0;
    let mut upper = backends.iter().map(height).fold(0.0, f64::max) + MOST * plain;
    for _ in 0..f64::MANTISSA_DIGITS {
        let level = (lower + upper) / 2.0;
        if backends.iter().map(|backend| poured(backend, level)).sum::<f64>() < volume {
            lower = level;
        } else {
            upper = level;
        }
    }
    backends.iter().map(move |backend| poured(backend, upper))
}

fn all_flows(backends: &[Candidate]) -> f64 {
    backends.iter().map(|backend| backend.live_flows as f64).sum()
}

fn all_weights(backends: &[Candidate]) -> f64 {
    backends.iter().map(|backend| f64::from(backend.weight)).sum()
}

#[cfg(test)]
mod tests;
