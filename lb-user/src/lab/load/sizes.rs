use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde::{Deserialize, Serialize};
use std::fmt;

/// How much the client asks for in each connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Sizes {
    /// 16 KiB, every time.
    Fixed,
    /// From 4 KiB to 1 MiB, 19 KiB on average: one in a hundred weighs as much as twenty others.
    Mixed,
}

impl fmt::Display for Sizes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Fixed => "fixed",
            Self::Mixed => "mixed",
        })
    }
}

const FIXED: u64 = 16 * 1024;
const SMALLEST: f64 = 4.0 * 1024.0;
const LARGEST: f64 = 1024.0 * 1024.0;
/// Shape of the bounded Pareto distribution. Sizes of Web responses were measured at 1.0 to 1.3 (Crovella and Bestavros, 1997).
const SHAPE: f64 = 1.1;

/// An endless sequence of sizes in bytes. The same seed gives the same sequence.
#[derive(Debug)]
pub(in crate::lab) struct SizeSequence {
    sizes: Sizes,
    random: StdRng,
}

impl SizeSequence {
    pub(in crate::lab) fn new(sizes: Sizes, seed: u64) -> Self {
        Self { sizes, random: StdRng::seed_from_u64(seed) }
    }
}

impl Iterator for SizeSequence {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        Some(match self.sizes {
            Sizes::Fixed => FIXED,
            Sizes::Mixed => pareto(self.random.random()),
        })
    }
}

/// The size that a part `quantile`, 0 to 1, of all sizes are below.
fn pareto(quantile: f64) -> u64 {
    let spread = 1.0 - (SMALLEST / LARGEST).powf(SHAPE);
    (SMALLEST * (1.0 - quantile * spread).powf(-1.0 / SHAPE)) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(sizes: Sizes, seed: u64) -> Vec<u64> {
        SizeSequence::new(sizes, seed).take(100_000).collect()
    }

    #[test]
    fn mixed_sizes_are_in_range() {
        assert_eq!((pareto(0.0), pareto(1.0)), (4_096, 1_048_576));
        assert!(sample(Sizes::Mixed, 1).iter().all(|size| (4_096..=1_048_576).contains(size)));
    }

    /// The mean of the distribution is 19,221 bytes, its median 7,676, and one in a hundred makes 22 % of the whole.
    #[test]
    fn mixed_sizes_have_the_mean_and_the_tail_of_the_distribution() {
        let mut sizes = sample(Sizes::Mixed, 1);
        sizes.sort_unstable();
        let sum: u64 = sizes.iter().sum();
        let mean = sum as f64 / sizes.len() as f64;
        assert!((18_500.0..20_000.0).contains(&mean), "{mean}");
        assert!((7_550..7_800).contains(&sizes[50_000]), "{}", sizes[50_000]);
        let largest: u64 = sizes[99_000..].iter().sum();
        assert!((4..6).contains(&(sum / largest)), "one in a hundred makes {largest} of {sum}");
    }

    #[test]
    fn a_seed_gives_the_same_sizes_again() {
        assert_eq!(sample(Sizes::Mixed, 7), sample(Sizes::Mixed, 7));
        assert_ne!(sample(Sizes::Mixed, 7), sample(Sizes::Mixed, 8));
    }

    #[test]
    fn fixed_sizes_are_all_the_same() {
        assert!(sample(Sizes::Fixed, 1).iter().all(|&size| size == 16_384));
    }
}
