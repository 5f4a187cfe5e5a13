//! What the schedulers' tests share.

use super::{Candidate, Ramp};
use lb_common::abi::Address;
use std::collections::BTreeMap;

/// Idle back-ends of these weights. Slots count from 0, addresses from 10.0.0.0.
pub(super) fn candidates(weights: impl IntoIterator<Item = u16>) -> Vec<Candidate> {
    let candidate = |(slot, weight): (u16, u16)| {
        let [high, low] = slot.to_be_bytes();
        Candidate { slot, address: Address::from_v4([10, 0, high, low]), weight, ramp: Ramp::FULL, live_flows: 0 }
    };
    (0..).zip(weights).map(candidate).collect()
}

/// Back-ends of these weights and live flows.
pub(super) fn loaded(backends: impl IntoIterator<Item = (u16, u64)>) -> Vec<Candidate> {
    let (weights, flows): (Vec<u16>, Vec<u64>) = backends.into_iter().unzip();
    candidates(weights)
        .into_iter()
        .zip(flows)
        .map(|(backend, live_flows)| Candidate { live_flows, ..backend })
        .collect()
}

/// How many positions each slot has.
pub(super) fn shares(ring: &[u16]) -> BTreeMap<u16, usize> {
    let mut shares = BTreeMap::new();
    for &slot in ring {
        *shares.entry(slot).or_default() += 1;
    }
    shares
}
