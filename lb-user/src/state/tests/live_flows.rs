//! Whatever changes, no live flow moves and no packet is dropped that a back-end could take. Checked after every single
//! change, not only after the last: the program sees them all.

use super::*;
use lb_common::abi::ticks_between;
use lb_common::verdict::{Dropped, Forwarded, Passed, Verdict};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::ops::{Range, RangeFrom};

const SERVICES: Range<u32> = 0..3;
const SYN: u8 = 0x02;
const ACK: u8 = 0x10;

/// Something that happens.
#[derive(Clone, Debug)]
enum Step {
    /// A service is to have these back-ends.
    Serve { service: u32, backends: Backends },
    /// There is to be no such service.
    Remove { service: u32 },
    /// Time passes.
    Wait(Ticks),
}

/// Back-ends by number, and whether the network knows a way to each.
type Backends = BTreeMap<u32, bool>;

fn step() -> impl Strategy<Value = Step> {
    let backends = prop::collection::btree_map(0..6u32, prop::bool::weighted(0.8), 0..6);
    prop_oneof![
        6 => (SERVICES, backends).prop_map(|(service, backends)| Step::Serve { service, backends }),
        1 => SERVICES.prop_map(|service| Step::Remove { service }),
        3 => (1..GRACE + 5).prop_map(Step::Wait),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn no_change_moves_a_live_flow_or_drops_a_packet(steps in prop::collection::vec(step(), 1..12)) {
        let mut cluster = Cluster::new();
        for step in steps {
            cluster.take(step);
        }
    }
}

/// A balancer, what it is to do, and the clients' connections.
struct Cluster {
    world: World,
    services: BTreeMap<u32, Backends>,
    connections: Vec<Connection>,
    /// Numbers of clients that have not sent anything yet.
    clients: RangeFrom<u32>,
    /// Ring positions that packets may still be reading, and since when no service names them.
    released: Vec<(Range<u32>, Ticks)>,
}

#[derive(Debug)]
struct Connection {
    client: u32,
    service: u32,
    backend: u32,
    /// Since when the configuration is without its back-end.
    lost: Option<Ticks>,
    /// Whether its service was removed. One that comes back is another service.
    orphaned: bool,
}

impl Cluster {
    fn new() -> Self {
        let world = World::new();
        // The clock wraps before long.
        world.wait((1 << TICK_BITS) - 30);
        Self { world, services: BTreeMap::new(), connections: Vec::new(), clients: 0.., released: Vec::new() }
    }

    fn take(&mut self, step: Step) {
        let before = self.services.clone();
        match step {
            Step::Serve { service, backends } => {
                self.services.insert(service, backends);
            }
            Step::Remove { service } => {
                self.services.remove(&service);
            }
            Step::Wait(ticks) => self.world.wait(ticks),
        }
        self.lose_connections();
        let state = self.desired();
        for change in self.world.plan(&state).expect("there is room") {
            self.check_positions(&change);
            self.world.make(&change);
            self.check_connections();
            self.check_availability(&before);
        }
        assert_eq!(self.world.plan(&state), Ok(Vec::new()), "there is more to do");
        self.check_census();
        self.open_connections();
    }

    fn desired(&self) -> Desired {
        let services = self.services.iter().map(|(&service, backends)| {
            let backends =
                backends.iter().map(|(&backend, &known)| if known { ready(backend) } else { unresolved(backend) });
            (service, backends.collect())
        });
        desired(services)
    }

    /// A back-end that returns within the grace has its connections back.
    fn lose_connections(&mut self) {
        let now = self.world.now();
        for Connection { service, backend, lost, orphaned, .. } in &mut self.connections {
            let backends = self.services.get(service);
            *orphaned |= backends.is_none();
            let kept = !*orphaned && backends.is_some_and(|backends| backends.contains_key(backend));
            *lost = if kept { None } else { lost.or(Some(now)) };
        }
        self.connections.retain(|connection| connection.lost.is_none_or(|lost| ticks_between(lost, now) < GRACE));
    }

    /// New rings go where no packet can be reading.
    fn check_positions(&mut self, change: &Change) {
        let now = self.world.now();
        let observed = self.world.observed();
        if let Change::SetService { service: new, .. } = change {
            let used = observed.services.values().flat_map(ObservedService::ranges);
            let resting = self.released.iter().filter(|&&(_, since)| ticks_between(since, now) < 2);
            for taken in used.chain(resting.map(|(positions, _)| positions.clone())) {
                for new in new.ranges() {
                    assert!(new.start.max(taken.start) >= new.end.min(taken.end), "{new:?} and {taken:?}");
                }
            }
        }
        if let Change::SetService { key, .. } | Change::RemoveService { key } = change
            && let Some(former) = observed.services.get(key)
        {
            self.released.extend(former.ranges().map(|positions| (positions, now)));
        }
    }

    /// Connections go on with their back-ends, those of removed ones until the grace is over.
    fn check_connections(&self) {
        for connection in &self.connections {
            let outcome = self.send(connection.client, connection.service, ACK);
            assert_eq!(outcome, (Verdict::Forwarded(Forwarded::Remembered), connection.backend), "{connection:?}");
        }
    }

    /// A service that had a back-end for new flows, and still has one, takes all packets.
    fn check_availability(&mut self, before: &BTreeMap<u32, Backends>) {
        for service in SERVICES {
            let usable = [before, &self.services].map(|services| reachable(services.get(&service)));
            if usable.iter().all(|backends| !backends.is_empty()) {
                for flags in [SYN, ACK] {
                    let client = self.new_client();
                    let (verdict, backend) = self.send(client, service, flags);
                    assert!(matches!(verdict, Verdict::Forwarded(_)), "{verdict:?}, service {service}");
                    assert!(usable.iter().any(|backends| backends.contains(&backend)), "{backend} of {usable:?}");
                }
            }
        }
    }

    /// Nothing is left of the flows of back-ends that are gone.
    fn check_census(&self) {
        let observed = self.world.observed();
        for slot in self.world.dataplane.flows().live.into_keys() {
            assert_ne!(observed.backends[&slot].state, BackendState::FREE, "slot {slot}");
        }
    }

    /// New connections are shared out evenly.
    fn open_connections(&mut self) {
        for service in SERVICES {
            let reachable = reachable(self.services.get(&service));
            if reachable.is_empty() {
                self.check_refusal(service);
                continue;
            }
            let mut shares: BTreeMap<u32, u32> = reachable.iter().map(|&backend| (backend, 0)).collect();
            for _ in 0..=reachable.len() {
                let client = self.new_client();
                let (verdict, backend) = self.send(client, service, SYN);
                assert_eq!(verdict, Verdict::Forwarded(Forwarded::NewFlow));
                assert_eq!(self.send(client, service, ACK), (Verdict::Forwarded(Forwarded::Remembered), backend));
                *shares.entry(backend).or_default() += 1;
                self.connections.push(Connection { client, service, backend, lost: None, orphaned: false });
            }
            assert!(shares.keys().eq(&reachable), "{shares:?} of {reachable:?}");
            assert!(shares.values().all(|share| (1..=2).contains(share)), "{shares:?}");
        }
    }

    fn check_refusal(&mut self, service: u32) {
        let client = self.new_client();
        let (verdict, _) = self.send(client, service, SYN);
        match self.services.get(&service) {
            Some(_) => assert!(matches!(verdict, Verdict::Dropped(Dropped::NoBackend, _)), "{verdict:?}"),
            None => assert_eq!(verdict, Verdict::Passed(Passed::NoService)),
        }
    }

    fn new_client(&mut self) -> u32 {
        self.clients.next().expect("there are more clients than packets")
    }

    /// What becomes of a client's packet, and whom its Ethernet address is of when it is forwarded.
    fn send(&self, client: u32, service: u32, flags: u8) -> (Verdict, u32) {
        let mut frame = tcp_frame(client, service, flags);
        let (verdict, _) = self.world.dataplane.run(&mut frame);
        (verdict, u32::from_be_bytes([0, frame[3], frame[4], frame[5]]))
    }
}

/// The back-ends of a service that can take new flows.
fn reachable(backends: Option<&Backends>) -> BTreeSet<u32> {
    backends.into_iter().flatten().filter(|&(_, &known)| known).map(|(&backend, _)| backend).collect()
}

/// A TCP segment without payload in an Ethernet frame to the balancer.
fn tcp_frame(client: u32, service: u32, flags: u8) -> Vec<u8> {
    let mut frame = vec![0; 54];
    let (ethernet, ip) = frame.split_at_mut(14);
    ethernet[..6].copy_from_slice(&BALANCER.octets());
    ethernet[12..].copy_from_slice(&[0x08, 0x00]);
    let (ip, tcp) = ip.split_at_mut(20);
    ip[0] = 0x45;
    ip[3] = 40;
    ip[8] = 64;
    ip[9] = protocol::TCP;
    ip[12..16].copy_from_slice(&(0x0b00_0000 + client).to_be_bytes());
    ip[16..20].copy_from_slice(&vip(service));
    tcp[..2].copy_from_slice(&50_000u16.to_be_bytes());
    tcp[2..4].copy_from_slice(&443u16.to_be_bytes());
    tcp[12] = 0x50;
    tcp[13] = flags;
    frame
}
