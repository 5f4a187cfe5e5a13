//! How evenly something is spread over back-ends. What sums to nothing is even.

use serde::{Deserialize, Serialize};

/// The part of the whole that each back-end got, 0 to 1.
pub fn shares(parts: &[u64]) -> Vec<f64> {
    let total: u64 = parts.iter().sum();
    let share = |&part: &u64| if total == 0 { even(parts) } else { part as f64 / total as f64 };
    parts.iter().map(share).collect()
}

/// The error from even: how far the worst share is from 1/N, as a part of 1/N. 0 is even; N - 1 is all in one place.
pub fn error(parts: &[u64]) -> f64 {
    let even = even(parts);
    shares(parts).into_iter().map(|share| (share - even).abs() / even).fold(0.0, f64::max)
}

/// Two usual measures of balance.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fairness {
    /// The most that one back-end got, over the mean: 1 is even, N is all in one place.
    pub max_over_mean: f64,
    /// Jain's index: 1 is even, 1/N is all in one place (Jain, Chiu and Hawe, DEC TR-301, 1984).
    pub jain: f64,
}

impl Fairness {
    /// The balance of `parts`.
    pub fn of(parts: &[u64]) -> Self {
        let shares = shares(parts);
        let squares: f64 = shares.iter().map(|share| share * share).sum();
        let even = even(parts);
        Self { max_over_mean: shares.into_iter().fold(0.0, f64::max) / even, jain: even / squares }
    }
}

/// How uneven something was over time, by its max/mean at many moments.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Unevenness {
    /// On average.
    pub mean: f64,
    /// It was higher in one moment of a hundred.
    pub p99: f64,
}

impl Unevenness {
    /// The unevenness at these moments; `None` without any.
    pub fn of(mut moments: Vec<f64>) -> Option<Self> {
        moments.sort_unstable_by(f64::total_cmp);
        let p99 = *moments.get((moments.len() * 99).div_ceil(100).checked_sub(1)?)?;
        Some(Self { mean: moments.iter().sum::<f64>() / moments.len() as f64, p99 })
    }
}

fn even(parts: &[u64]) -> f64 {
    1.0 / parts.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_near(value: f64, expected: f64) {
        assert!((value - expected).abs() < 1e-9, "{value} is not {expected}");
    }

    #[test]
    fn golden_values() {
        for (parts, worst, max_over_mean, jain) in [
            (&[500, 500, 500][..], 0.0, 1.0, 1.0),
            (&[0, 0], 0.0, 1.0, 1.0),
            (&[7], 0.0, 1.0, 1.0),
            (&[9, 0, 0], 2.0, 3.0, 1.0 / 3.0),
            (&[501, 500, 499], 0.002, 1.002, 2_250_000.0 / 2_250_006.0),
            // The mean is 25, the worst 10 below it.
            (&[30, 30, 25, 15], 0.4, 1.2, 10_000.0 / (4.0 * 2_650.0)),
        ] {
            assert_near(error(parts), worst);
            assert_near(Fairness::of(parts).max_over_mean, max_over_mean);
            assert_near(Fairness::of(parts).jain, jain);
        }
    }

    #[test]
    fn one_moment_of_a_hundred_is_worse() {
        let moments = |count: u32| (0..count).map(f64::from).rev().collect();
        assert_eq!(Unevenness::of(moments(200)), Some(Unevenness { mean: 99.5, p99: 197.0 }));
        assert_eq!(Unevenness::of(moments(1)), Some(Unevenness { mean: 0.0, p99: 0.0 }));
        assert_eq!(Unevenness::of(moments(0)), None);
    }

    #[test]
    fn shares_sum_to_one() {
        assert_eq!(shares(&[1, 1, 2]), [0.25, 0.25, 0.5]);
        assert_near(shares(&[0, 0, 0]).iter().sum(), 1.0);
    }
}
