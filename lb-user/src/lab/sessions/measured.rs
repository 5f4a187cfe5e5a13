use crate::lab::Handshakes;
use crate::lab::load::Tally;
use std::time::Duration;

/// What was counted in one round of a case.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Measured {
    /// From the first connection to the end of the last.
    pub(super) duration: Duration,
    /// Connections that each server accepted.
    pub(super) connections: Vec<u64>,
    /// Handshakes of all servers.
    pub(super) handshakes: Handshakes,
    /// Connections of clients that had a session when they began.
    pub(super) returning: u64,
    /// Those of them that went on with it.
    pub(super) resumed: u64,
    /// Connections that failed.
    pub(super) errors: u64,
    /// What happened to one of them.
    pub(super) error: Option<String>,
}

impl Measured {
    /// What happened between two looks at the counters of the servers, according to them and to the clients.
    pub(super) fn between(
        before: &[(u64, Handshakes)],
        after: &[(u64, Handshakes)],
        tally: &Tally,
        duration: Duration,
    ) -> Self {
        let servers = before.iter().zip(after);
        Self {
            duration,
            connections: servers.clone().map(|((before, _), (after, _))| after.saturating_sub(*before)).collect(),
            handshakes: servers
                .map(|((_, before), (_, after))| after.since(*before))
                .fold(Handshakes::default(), Handshakes::and),
            returning: tally.returning,
            resumed: tally.resumed,
            errors: tally.failed(),
            error: tally.failures.values().next().map(|failure| failure.first.clone()),
        }
    }
}

/// The one in the middle, or the mean of the two there; `None` without any.
pub(super) fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<_> = values.collect();
    values.sort_unstable_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    let lower = *values.get((values.len() - 1) / 2)?;
    Some(lower.midpoint(upper))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::Cost;

    #[test]
    fn only_what_came_since_is_counted() {
        let handshakes = |full, resumed| {
            let cost = |count: u64| Cost { count, cpu: Duration::from_micros(100 * count) };
            Handshakes { full: cost(full), resumed: cost(resumed) }
        };
        let before = [(10, handshakes(10, 0)), (10, handshakes(9, 1))];
        let after = [(15, handshakes(11, 4)), (17, handshakes(9, 8))];
        let tally = Tally { returning: 11, resumed: 11, ..Tally::default() };
        let measured = Measured::between(&before, &after, &tally, Duration::from_secs(1));
        assert_eq!(measured.connections, [5, 7]);
        assert_eq!(measured.handshakes, handshakes(1, 11));
        assert_eq!((measured.returning, measured.resumed, measured.errors, measured.error), (11, 11, 0, None));
    }

    #[test]
    fn a_median_is_in_the_middle() {
        assert_eq!(median([9.0, 1.0, 2.0].into_iter()), Some(2.0));
        assert_eq!(median([4.0, 1.0, 2.0, 9.0].into_iter()), Some(3.0));
        assert_eq!(median([].into_iter()), None);
    }
}
