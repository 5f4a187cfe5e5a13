//! Ethernet addresses that the kernel has forgotten, as at `ip neigh flush` and when a link goes down, while nobody has found that they are
//! wrong: back-ends are there all the same.

use super::{Neighbour, NeighbourKind};
use lb_common::wire::Mac;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// Neighbours by the index of their interface and their address.
type Neighbours = BTreeMap<(u32, IpAddr), Neighbour>;

/// How long the kernel may know nothing of a neighbour. Those that matter are asked for at once, and answer or do not within seconds.
const PATIENCE: Duration = Duration::from_secs(30);

/// The Ethernet addresses of neighbours that the kernel keeps up to date for the agent.
#[derive(Debug, Default)]
pub(super) struct Remembered(BTreeMap<(u32, IpAddr), Entry>);

#[derive(Clone, Copy, Debug)]
struct Entry {
    mac: Mac,
    /// When the kernel knew it last.
    seen: Instant,
}

impl Remembered {
    /// Learns from the neighbours that the kernel has, and adds those that it has forgotten.
    pub(super) fn complete(&mut self, neighbours: &mut Neighbours, now: Instant) {
        for (&key, neighbour) in neighbours.iter() {
            match neighbour {
                Neighbour { mac: Some(mac), kind: NeighbourKind::Managed, .. } => {
                    self.0.insert(key, Entry { mac: *mac, seen: now });
                }
                Neighbour { silent: true, .. } | Neighbour { kind: NeighbourKind::Permanent, .. } => {
                    self.0.remove(&key);
                }
                _ => {}
            }
        }
        self.0.retain(|_, entry| now.saturating_duration_since(entry.seen) < PATIENCE);
        for (&key, entry) in &self.0 {
            let forgotten = Neighbour { mac: None, kind: NeighbourKind::Dynamic, silent: false };
            neighbours.entry(key).or_insert(forgotten).mac.get_or_insert(entry.mac);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAC: Mac = Mac::new([2, 0, 0, 0, 0, 1]);
    const OTHER: Mac = Mac::new([2, 0, 0, 0, 0, 2]);
    const MANAGED: NeighbourKind = NeighbourKind::Managed;

    /// What is known of the one neighbour after the kernel has told of it like this, each time so many seconds after the start.
    fn known(told: &[(u64, Option<Neighbour>)]) -> Option<Neighbour> {
        let key = (7, "10.0.0.2".parse().unwrap());
        let (mut remembered, start, mut last) = (Remembered::default(), Instant::now(), None);
        for (seconds, neighbour) in told {
            let mut neighbours: Neighbours = neighbour.map(|neighbour| (key, neighbour)).into_iter().collect();
            remembered.complete(&mut neighbours, start + Duration::from_secs(*seconds));
            last = neighbours.get(&key).copied();
        }
        last
    }

    const fn answered(mac: Mac, kind: NeighbourKind) -> Option<Neighbour> {
        Some(Neighbour { mac: Some(mac), kind, silent: false })
    }

    const fn unanswered(silent: bool) -> Option<Neighbour> {
        Some(Neighbour { mac: None, kind: MANAGED, silent })
    }

    #[test]
    fn what_is_forgotten_is_remembered_until_somebody_finds_it_wrong() {
        let managed = answered(MAC, MANAGED);
        assert_eq!(known(&[(0, managed), (1, None)]), answered(MAC, NeighbourKind::Dynamic), "it is asked for again");
        assert_eq!(known(&[(0, managed), (1, None), (2, unanswered(false))]), managed, "it is being asked for");
        assert_eq!(known(&[(0, managed), (1, answered(OTHER, MANAGED)), (2, None)]).and_then(|it| it.mac), Some(OTHER));
        assert_eq!(known(&[(0, managed), (1, unanswered(true))]), unanswered(true));
        assert_eq!(known(&[(0, managed), (1, unanswered(true)), (2, unanswered(false))]), unanswered(false));
        assert_eq!(known(&[(0, managed), (29, None), (30, None)]), None);
    }

    #[test]
    fn only_what_the_kernel_keeps_up_to_date_for_the_agent_is_remembered() {
        for kind in [NeighbourKind::Dynamic, NeighbourKind::Permanent] {
            assert_eq!(known(&[(0, answered(MAC, kind)), (1, None)]), None, "{kind:?}");
        }
        assert_eq!(
            known(&[(0, answered(MAC, MANAGED)), (1, answered(OTHER, NeighbourKind::Permanent)), (2, None)]),
            None
        );
        assert_eq!(known(&[(0, unanswered(false)), (1, None)]), None);
    }
}
