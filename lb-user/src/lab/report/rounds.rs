use crate::lab::balance::error;
use serde::Serialize;

/// What each back-end got since the beginning, in the order of the back-ends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// New flows.
    pub flows: Vec<u64>,
    /// Bytes of response bodies.
    pub response_bytes: Vec<u64>,
}

/// Errors from even; see [`error`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Errors {
    /// Of new flows.
    pub flows: f64,
    /// Of response bytes.
    pub bytes: f64,
}

impl Errors {
    /// The errors in `totals`.
    pub fn of(totals: &Totals) -> Self {
        Self { flows: error(&totals.flows), bytes: error(&totals.response_bytes) }
    }
}

/// One round of a repeated experiment.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Round {
    /// Its number, counted from 1.
    pub number: usize,
    /// New flows in it.
    pub new_flows: u64,
    /// Bytes of response bodies in it.
    pub response_bytes: u64,
    /// How uneven it was by itself.
    pub error: Errors,
    /// How uneven all rounds up to it were together.
    pub cumulative: Errors,
}

/// The rounds, from the totals at the end of each.
pub fn rounds(ends: &[Totals]) -> Vec<Round> {
    let starts = std::iter::once(None).chain(ends.iter().map(Some));
    let rounds = ends.iter().zip(starts).enumerate();
    rounds
        .map(|(index, (end, start))| {
            let alone = start.map_or_else(|| end.clone(), |start| since(start, end));
            Round {
                number: index + 1,
                new_flows: alone.flows.iter().sum(),
                response_bytes: alone.response_bytes.iter().sum(),
                error: Errors::of(&alone),
                cumulative: Errors::of(end),
            }
        })
        .collect()
}

fn since(start: &Totals, end: &Totals) -> Totals {
    let grown =
        |start: &[u64], end: &[u64]| end.iter().zip(start).map(|(end, start)| end.saturating_sub(*start)).collect();
    Totals { flows: grown(&start.flows, &end.flows), response_bytes: grown(&start.response_bytes, &end.response_bytes) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::Sizes;
    use crate::lab::load::SizeSequence;

    #[test]
    fn a_round_is_what_came_since_the_one_before() {
        let ends = [
            Totals { flows: vec![10, 10], response_bytes: vec![300, 100] },
            Totals { flows: vec![21, 20], response_bytes: vec![400, 400] },
        ];
        let rounds = rounds(&ends);
        assert_eq!(rounds.len(), 2);
        assert_eq!((rounds[1].number, rounds[1].new_flows, rounds[1].response_bytes), (2, 21, 400));
        assert_eq!(rounds[0].error, Errors { flows: 0.0, bytes: 0.5 });
        assert_eq!(rounds[0].cumulative, rounds[0].error);
        assert_eq!(rounds[1].error.bytes, 0.5);
        assert_eq!(rounds[1].cumulative.bytes, 0.0);
    }

    /// The paper's conclusion: round robin is even unless the loads differ much, and then repetition alleviates the error.
    #[test]
    fn repetition_evens_out_what_differing_loads_upset() {
        let last = |sizes, seed| simulated(sizes, seed).pop().unwrap();
        let mean = |errors: Vec<f64>| errors.iter().sum::<f64>() / errors.len() as f64;
        let alone =
            mean((0..20).flat_map(|seed| simulated(Sizes::Mixed, seed)).map(|round| round.error.bytes).collect());
        let together = mean((0..20).map(|seed| last(Sizes::Mixed, seed).cumulative.bytes).collect());
        assert!(alone > 0.1, "one round alone errs by {alone}");
        assert!(together < alone / 2.0, "25 rounds together err by {together}, one alone by {alone}");
        assert_eq!(last(Sizes::Fixed, 1).cumulative, Errors::default());
    }

    /// 25 rounds of 300 connections in turn to 3 back-ends.
    fn simulated(sizes: Sizes, seed: u64) -> Vec<Round> {
        let mut now = Totals { flows: vec![0; 3], response_bytes: vec![0; 3] };
        let mut ends = Vec::new();
        for (turn, size) in SizeSequence::new(sizes, seed).take(25 * 300).enumerate() {
            now.flows[turn % 3] += 1;
            now.response_bytes[turn % 3] += size;
            if (turn + 1) % 300 == 0 {
                ends.push(now.clone());
            }
        }
        rounds(&ends)
    }
}
