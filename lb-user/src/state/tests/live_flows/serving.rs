//! What services may be: any scheduler, any weights, and whatever else must not move a live flow.

use super::*;
use lb_common::verdict::Forwarded;
use proptest::prelude::*;

/// What a service is to be.
#[derive(Clone, Debug)]
pub(super) struct Serving {
    scheduler: Scheduler,
    affinity: Option<Affinity>,
    /// Above so many new flows per second, half-open ones are not remembered.
    flood_rate: u32,
    access: Access,
    pub(super) backends: BTreeMap<u32, Reach>,
}

#[derive(Clone, Copy, Debug)]
struct Affinity {
    window: Ticks,
    reset: AffinityReset,
    max_load: Option<u32>,
}

/// What the access list says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Access {
    /// There is none.
    Open,
    /// The clients are let in by name.
    Allowed,
    /// The clients are kept out by name.
    Denied,
    /// Others are let in by name.
    NotAllowed,
}

/// How many new flows a back-end is to get, and whether the network knows a way to it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reach {
    weight: u16,
    is_known: bool,
}

pub(super) fn serving() -> impl Strategy<Value = Serving> {
    let reach = (prop_oneof![4 => Just(1), 1 => 0..4u16], prop::bool::weighted(0.8));
    let reach = reach.prop_map(|(weight, is_known)| Reach { weight, is_known });
    let scheduler = prop_oneof![2 => Just(Scheduler::ROUND_ROBIN), 3 => (0..6u32).prop_map(Scheduler)];
    let affinity = (1..2 * GRACE, 0..2u8, prop::option::of(100..300u32));
    let affinity =
        affinity.prop_map(|(window, reset, max_load)| Affinity { window, reset: AffinityReset(reset), max_load });
    let access = prop_oneof![
        2 => Just(Access::Open),
        2 => Just(Access::Allowed),
        1 => Just(Access::Denied),
        1 => Just(Access::NotAllowed),
    ];
    let flood_rate = prop_oneof![3 => Just(0), 1 => 1..4u32];
    let backends = prop::collection::btree_map(0..6u32, reach, 0..6);
    (scheduler, prop::option::weighted(0.5, affinity), flood_rate, access, backends).prop_map(
        |(scheduler, affinity, flood_rate, access, backends)| Serving {
            scheduler,
            affinity,
            flood_rate,
            access,
            backends,
        },
    )
}

impl Serving {
    pub(super) fn desired(&self) -> DesiredService {
        let rules = self.access.rules();
        let mut entry = Service { scheduler: self.scheduler, flood_rate: self.flood_rate, ..ENTRY };
        if let Some(affinity) = self.affinity {
            (entry.affinity_window, entry.affinity_reset) = (affinity.window, affinity.reset);
            // Neighbours stay together, so that there is something to remember: every client opens one flow only.
            entry.affinity_prefix = [128 - 10, 128];
        }
        if let Some(rules) = &rules {
            let only = if rules.allows_listed_only() { ServiceFlags::ALLOW_LISTED_ONLY } else { ServiceFlags::NONE };
            (entry.flags, entry.access) = (ServiceFlags::ACCESS.with(only), rules.list());
        }
        let backends = self.backends.iter().map(|(&backend, &Reach { weight, is_known })| {
            let backend = if is_known { ready(backend) } else { unresolved(backend) };
            DesiredBackend { weight, ..backend }
        });
        DesiredService {
            entry,
            ports: Vec::new(),
            access: rules,
            quic: Vec::new(),
            max_load: self.affinity.and_then(|affinity| affinity.max_load),
            backends: backends.collect(),
        }
    }

    /// Whether its back-ends take new flows in turn, whoever asks.
    pub(super) fn is_in_turns(&self) -> bool {
        self.scheduler == Scheduler::ROUND_ROBIN && self.affinity.is_none() && self.flood_rate == 0
    }

    /// Whether its access list keeps the clients out.
    pub(super) fn refuses(&self) -> bool {
        matches!(self.access, Access::Denied | Access::NotAllowed)
    }

    /// Whether it may find new flows so: by the scheduler, or by what else it is to heed.
    pub(super) fn may_find(&self, how: Forwarded) -> bool {
        match how {
            Forwarded::NewFlow => true,
            Forwarded::Affinity => self.affinity.is_some(),
            Forwarded::Flood => self.flood_rate > 0,
            _ => false,
        }
    }

    /// The back-ends that can take new flows.
    pub(super) fn takers(&self) -> BTreeSet<u32> {
        let takers = self.backends.iter().filter(|(_, reach)| reach.is_known && reach.weight > 0);
        takers.map(|(&backend, _)| backend).collect()
    }
}

impl Access {
    /// Every one of several rules counts: a list of which some are missing is none.
    fn rules(self) -> Option<Arc<AccessRules>> {
        let rule = |network: u8, bits: u8, is_allowed| AccessRule {
            source: Address::from_v4([network, 0, 0, 0]),
            bits: 96 + bits,
            is_allowed,
        };
        let rules = match self {
            Self::Open => return None,
            Self::Allowed => vec![rule(0, 0, false), rule(11, 8, true)],
            Self::Denied => vec![rule(0, 0, true), rule(11, 8, false)],
            Self::NotAllowed => vec![rule(12, 8, true), rule(13, 8, false)],
        };
        Some(Arc::new(AccessRules::new(rules)))
    }
}
