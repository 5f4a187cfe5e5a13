//! How evenly something is spread.

/// The largest share divided by the mean one; `None` when there is nothing to share.
pub fn max_over_mean(shares: &[f64]) -> Option<f64> {
    let sum: f64 = shares.iter().sum();
    let max = shares.iter().copied().fold(0.0, f64::max);
    (sum > 0.0).then(|| max * shares.len() as f64 / sum)
}

/// Jain's index (Jain, Chiu, Hawe 1984): 1 when all shares are equal, 1/n when one of n has everything; `None` when there is nothing to share.
pub fn jain(shares: &[f64]) -> Option<f64> {
    let sum: f64 = shares.iter().sum();
    let squares: f64 = shares.iter().map(|share| share * share).sum();
    (squares > 0.0).then(|| sum * sum / (shares.len() as f64 * squares))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn even_shares_are_1_and_one_for_all_is_1_in_n() {
        assert_eq!((max_over_mean(&[5.0; 4]), jain(&[5.0; 4])), (Some(1.0), Some(1.0)));
        let one_has_all = [8.0, 0.0, 0.0, 0.0];
        assert_eq!((max_over_mean(&one_has_all), jain(&one_has_all)), (Some(4.0), Some(0.25)));
        // An example of the paper: 20 and 80 of 100.
        assert_eq!(jain(&[20.0, 80.0]).map(|index| (index * 1_000.0).round()), Some(735.0));
        for nothing in [&[][..], &[0.0, 0.0]] {
            assert_eq!((max_over_mean(nothing), jain(nothing)), (None, None));
        }
    }

    proptest! {
        #[test]
        fn both_are_in_their_range_whatever_the_scale(shares in prop::collection::vec(0.0f64..1e9, 1..50), scale in 0.1f64..10.0) {
            prop_assume!(shares.iter().any(|&share| share > 1e-3));
            let n = shares.len() as f64;
            let (max, index) = (max_over_mean(&shares).unwrap(), jain(&shares).unwrap());
            prop_assert!((1.0 - 1e-9..=n + 1e-9).contains(&max));
            prop_assert!((1.0 / n - 1e-9..=1.0 + 1e-9).contains(&index));
            let scaled: Vec<f64> = shares.iter().map(|share| share * scale).collect();
            prop_assert!((jain(&scaled).unwrap() - index).abs() < 1e-9);
        }
    }
}
