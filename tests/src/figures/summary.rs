use serde::Serialize;

/// What the rounds of one measurement came to.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// The middle one; the mean of both in the middle when there are two.
    pub median: f64,
    /// The least.
    pub min: f64,
    /// The greatest.
    pub max: f64,
    /// How many there were.
    pub rounds: usize,
}

impl Summary {
    /// Of these rounds; `None` when there are none.
    pub fn of(rounds: &[f64]) -> Option<Self> {
        let mut sorted = rounds.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (min, max) = (*sorted.first()?, *sorted.last()?);
        let middle = sorted.len() / 2;
        let median =
            if sorted.len() % 2 == 1 { sorted[middle] } else { f64::midpoint(sorted[middle - 1], sorted[middle]) };
        Some(Self { median, min, max, rounds: sorted.len() })
    }

    /// The median with `decimals` digits, and how far rounds were from it, as `31.4 (30.9–32.0)`.
    pub fn with_spread(&self, decimals: usize) -> String {
        format!("{:.decimals$} ({:.decimals$}–{:.decimals$})", self.median, self.min, self.max)
    }
}

/// `these` over `those`, round by round: what changed on the machine between rounds changed for both. Rounds without a partner are left out.
pub fn ratios(these: &[f64], those: &[f64]) -> Vec<f64> {
    these.iter().zip(those).map(|(this, that)| this / that).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_whatever_the_order() {
        let odd = Summary::of(&[3.0, 1.0, 100.0]).unwrap();
        assert_eq!(odd, Summary { median: 3.0, min: 1.0, max: 100.0, rounds: 3 });
        assert_eq!(Summary::of(&[4.0, 1.0, 2.0, 3.0]).unwrap().median, 2.5);
        assert_eq!(Summary::of(&[]), None);
    }

    #[test]
    fn the_spread_is_shown_with_the_median() {
        assert_eq!(Summary::of(&[1.0, 2.25, 9.0]).unwrap().with_spread(1), "2.2 (1.0–9.0)");
    }

    #[test]
    fn rounds_are_compared_in_pairs() {
        assert_eq!(ratios(&[2.0, 9.0, 5.0], &[1.0, 3.0]), [2.0, 3.0]);
    }
}
