use super::Scheme;
use crate::tickets::{BootTime, NoKey, Ring};
use std::iter;
use std::time::Duration;

/// Which server gets which ring, and when.
#[derive(Clone, Debug)]
pub(super) struct Rotation {
    rings: Vec<Ring>,
    /// In the order of time.
    steps: Vec<Step>,
}

/// A server gets a ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Step {
    at: Duration,
    server: usize,
    ring: usize,
}

impl Rotation {
    /// The rotation of `scheme` among `servers` servers: every `period`, for the first time after half of one, before `end`.
    ///
    /// # Errors
    /// When there are no random bytes.
    pub(super) fn new(scheme: Scheme, servers: usize, period: Duration, end: Duration) -> Result<Self, NoKey> {
        let steps = steps(scheme, servers, period, end);
        let count = steps.iter().map(|step| step.ring + 1).max().unwrap_or(0);
        Ok(Self { rings: rings(scheme, count)?, steps })
    }

    /// When each server gets which ring.
    pub(super) fn steps(&self) -> impl Iterator<Item = (Duration, usize, &Ring)> {
        self.steps.iter().map(|step| (step.at, step.server, &self.rings[step.ring]))
    }
}

fn steps(scheme: Scheme, servers: usize, period: Duration, end: Duration) -> Vec<Step> {
    let last = servers.saturating_sub(1);
    let step = |at: Duration, rotation: usize, server: usize| match scheme {
        Scheme::NoReuse => None,
        Scheme::OwnKeys | Scheme::OwnKeysAffinity1s | Scheme::OwnKeysAffinity5s => {
            (rotation == 0).then_some(Step { at, server, ring: server })
        }
        Scheme::SharedKeys => {
            let behind = usize::from(server == last);
            Some(Step { at, server, ring: rotation + 1 - behind })
        }
        Scheme::SharedKeysNaive => {
            // Half of a period passes until the last one has it.
            let late = if rotation == 0 { 0.0 } else { 0.5 * server as f64 / last.max(1) as f64 };
            Some(Step { at: at + period.mul_f64(late), server, ring: rotation })
        }
    };
    let rotations = (1..).map(|rotation| (period * rotation - period / 2, rotation as usize));
    let moments = iter::once((Duration::ZERO, 0)).chain(rotations).take_while(|(at, _)| *at < end);
    let steps = moments.flat_map(|(at, rotation)| (0..servers).filter_map(move |server| step(at, rotation, server)));
    let mut steps: Vec<_> = steps.filter(|step| step.at < end).collect();
    steps.sort_by_key(|step| step.at);
    steps
}

fn rings(scheme: Scheme, count: usize) -> Result<Vec<Ring>, NoKey> {
    let mut rings: Vec<Ring> = Vec::with_capacity(count);
    for term in 1..=count as u64 {
        let now = BootTime::now();
        rings.push(match rings.last() {
            Some(ring) if scheme == Scheme::SharedKeys => ring.shift(now)?,
            // Only its active key is ever used: nothing is staged, and nothing overlaps.
            _ => Ring::begin(term, now)?,
        });
    }
    Ok(rings)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Millisecond, server and ring of each step of a case of 4 s with three servers.
    fn planned(scheme: Scheme) -> Vec<(u128, usize, usize)> {
        let steps = steps(scheme, 3, Duration::from_secs(2), Duration::from_secs(4));
        steps.iter().map(|step| (step.at.as_millis(), step.server, step.ring)).collect()
    }

    #[test]
    fn one_server_is_always_one_shift_behind() {
        assert_eq!(
            planned(Scheme::SharedKeys),
            [
                (0, 0, 1),
                (0, 1, 1),
                (0, 2, 0),
                (1_000, 0, 2),
                (1_000, 1, 2),
                (1_000, 2, 1),
                (3_000, 0, 3),
                (3_000, 1, 3),
                (3_000, 2, 2)
            ]
        );
        let rotation = Rotation::new(Scheme::SharedKeys, 3, Duration::from_secs(2), Duration::from_secs(4)).unwrap();
        assert_eq!(rotation.rings.len(), 4);
        for pair in rotation.rings.windows(2) {
            assert_eq!((&pair[1].old, &pair[1].active), (&pair[0].active, &pair[0].next));
        }
    }

    #[test]
    fn naive_keys_come_late_to_the_others() {
        assert_eq!(
            planned(Scheme::SharedKeysNaive),
            [
                (0, 0, 0),
                (0, 1, 0),
                (0, 2, 0),
                (1_000, 0, 1),
                (1_500, 1, 1),
                (2_000, 2, 1),
                (3_000, 0, 2),
                (3_500, 1, 2)
            ]
        );
        let rings = rings(Scheme::SharedKeysNaive, 2).unwrap();
        assert!(rings[0].slots().iter().all(|(_, slot)| !rings[1].holds(&slot.key.id())), "something overlaps");
    }

    #[test]
    fn own_keys_are_not_shared_nor_rotated() {
        assert_eq!(planned(Scheme::OwnKeys), [(0, 0, 0), (0, 1, 1), (0, 2, 2)]);
        assert_eq!(planned(Scheme::OwnKeysAffinity5s), planned(Scheme::OwnKeys));
        assert_eq!(planned(Scheme::NoReuse), []);
        assert_eq!(steps(Scheme::SharedKeysNaive, 1, Duration::from_secs(2), Duration::from_secs(2)).len(), 2);
    }
}
