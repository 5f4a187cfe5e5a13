//! Whatever changes, no live flow moves and no packet is dropped that a back-end could take. Checked after every single
//! change, not only after the last: the program sees them all.

mod serving;

use super::*;
use lb_common::abi::ticks_between;
use lb_common::datapath::Outcome;
use lb_common::verdict::{Dropped, Forwarded, Passed, Verdict};
use proptest::prelude::*;
use serving::{Serving, serving};
use std::collections::BTreeMap;
use std::ops::{Range, RangeFrom};

const SERVICES: Range<u32> = 0..3;
const SYN: u8 = 0x02;
const ACK: u8 = 0x10;

/// Something that happens.
#[derive(Clone, Debug)]
enum Step {
    /// A service is to be like this.
    Serve { service: u32, serving: Serving },
    /// There is to be no such service.
    Remove { service: u32 },
    /// Time passes.
    Wait(Ticks),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (SERVICES, serving()).prop_map(|(service, serving)| Step::Serve { service, serving }),
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
    services: BTreeMap<u32, Serving>,
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
            Step::Serve { service, serving } => {
                self.services.insert(service, serving);
            }
            Step::Remove { service } => {
                self.services.remove(&service);
            }
            Step::Wait(ticks) => self.world.wait(ticks),
        }
        self.lose_connections();
        let state = desired_services(self.services.iter().map(|(&service, serving)| (service, serving.desired())));
        self.world.load = Load { live_flows: self.world.dataplane.flows().live, new_flows: BTreeMap::new() };
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

    /// A back-end that returns within the grace has its connections back.
    fn lose_connections(&mut self) {
        let now = self.world.now();
        for Connection { service, backend, lost, orphaned, .. } in &mut self.connections {
            let serving = self.services.get(service);
            *orphaned |= serving.is_none();
            let kept = !*orphaned && serving.is_some_and(|serving| serving.backends.contains_key(backend));
            *lost = if kept { None } else { lost.or(Some(now)) };
        }
        self.connections.retain(|connection| connection.lost.is_none_or(|lost| ticks_between(lost, now) < GRACE));
    }

    /// New rings go where no packet can be reading.
    fn check_positions(&mut self, change: &Change) {
        let now = self.world.now();
        let observed = self.world.observed();
        let (Change::SetService { key, .. } | Change::RemoveService { key }) = change else { return };
        let former = observed.services.get(key);
        if let Change::SetService { service: new, .. } = change {
            // Rings that stay may be written again, as they are.
            if former.is_some_and(|former| former.ranges() == new.ranges()) {
                assert_eq!(former.map(|it| (&it.ring, &it.consistent)), Some((&new.ring, &new.consistent)));
                return;
            }
            let used = observed.services.values().flat_map(ObservedService::ranges);
            let resting = self.released.iter().filter(|&&(_, since)| ticks_between(since, now) < 2);
            for taken in used.chain(resting.map(|(positions, _)| positions.clone())) {
                for new in new.ranges() {
                    assert!(new.start.max(taken.start) >= new.end.min(taken.end), "{new:?} and {taken:?}");
                }
            }
        }
        let ranges = former.into_iter().flat_map(ObservedService::ranges);
        self.released.extend(ranges.map(|positions| (positions, now)));
    }

    /// Connections go on with their back-ends, those of removed ones until the grace is over.
    fn check_connections(&self) {
        for connection in &self.connections {
            let outcome = self.send(connection.client, connection.service, ACK);
            assert_eq!(outcome, (Verdict::Forwarded(Forwarded::Remembered), connection.backend), "{connection:?}");
        }
    }

    /// A service that had a back-end for new flows, and still has one, takes all packets of clients that both let in; those that
    /// neither lets in never get in between.
    fn check_availability(&mut self, before: &BTreeMap<u32, Serving>) {
        for service in SERVICES {
            let states = [before, &self.services].map(|services| services.get(&service));
            let [Some(former), Some(latter)] = states else { continue };
            let (refusing, takers) = ([former, latter].map(Serving::refuses), [former, latter].map(Serving::takers));
            for flags in [SYN, ACK] {
                let client = self.new_client();
                let (verdict, backend) = self.send(client, service, flags);
                if refusing == [true, true] {
                    assert_refused(verdict);
                } else if refusing == [false, false] && takers.iter().all(|takers| !takers.is_empty()) {
                    assert!(matches!(verdict, Verdict::Forwarded(_)), "{verdict:?}, service {service}");
                    assert!(
                        takers.iter().any(|takers| takers.contains(&backend)),
                        "{backend} of {takers:?}, {verdict:?}"
                    );
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

    /// New connections are shared out.
    fn open_connections(&mut self) {
        for service in SERVICES {
            let Some(serving) = self.services.get(&service).cloned() else {
                let client = self.new_client();
                assert_eq!(self.send(client, service, SYN).0, Verdict::Passed(Passed::NoService));
                continue;
            };
            let takers = serving.takers();
            if serving.refuses() || takers.is_empty() {
                let client = self.new_client();
                let (verdict, _) = self.send(client, service, SYN);
                match verdict {
                    Verdict::Dropped(Dropped::NoBackend, _) => assert!(!serving.refuses()),
                    refused => assert_refused(refused),
                }
                continue;
            }
            let mut shares: BTreeMap<u32, u32> = takers.iter().map(|&backend| (backend, 0)).collect();
            for _ in 0..=takers.len() {
                *shares.entry(self.open_connection(service, &serving)).or_default() += 1;
            }
            assert!(shares.keys().eq(&takers), "{shares:?} of {takers:?}");
            if serving.is_in_turns() {
                assert!(shares.values().all(|share| (1..=2).contains(share)), "{shares:?}");
            }
        }
    }

    /// Opens a connection; the back-end that has it.
    fn open_connection(&mut self, service: u32, serving: &Serving) -> u32 {
        let client = self.new_client();
        let (opened, backend) = self.send(client, service, SYN);
        let Verdict::Forwarded(how) = opened else { panic!("{opened:?}, {serving:?}") };
        assert!(serving.may_find(how), "{how:?}, {serving:?}");
        // What follows the first packet of a flow that is not remembered goes the same way, and is remembered if not too many are.
        let goes_on = if how == Forwarded::Flood { Forwarded::UnknownFlow } else { Forwarded::Remembered };
        assert_eq!(self.send(client, service, ACK), (Verdict::Forwarded(goes_on), backend));
        match self.send(client, service, ACK) {
            (Verdict::Forwarded(Forwarded::Remembered), to) if to == backend => {
                self.connections.push(Connection { client, service, backend, lost: None, orphaned: false });
            }
            other => {
                assert_eq!((other, how), ((Verdict::Forwarded(Forwarded::UnknownFlow), backend), Forwarded::Flood));
            }
        }
        backend
    }

    fn new_client(&mut self) -> u32 {
        self.clients.next().expect("there are more clients than packets")
    }

    /// What becomes of a client's packet, and whom its Ethernet address is of when it is forwarded.
    fn send(&self, client: u32, service: u32, flags: u8) -> (Verdict, u32) {
        let mut frame = tcp_frame(client, service, flags);
        let Outcome { verdict, .. } = self.world.dataplane.run(&mut frame);
        (verdict, u32::from_be_bytes([0, frame[3], frame[4], frame[5]]))
    }
}

fn assert_refused(verdict: Verdict) {
    assert!(matches!(verdict, Verdict::Dropped(Dropped::Denied | Dropped::NotAllowed, _)), "{verdict:?}");
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
    ip[16..20].copy_from_slice(&vip(service).octets()[12..]);
    tcp[..2].copy_from_slice(&50_000u16.to_be_bytes());
    tcp[2..4].copy_from_slice(&443u16.to_be_bytes());
    tcp[12] = 0x50;
    tcp[13] = flags;
    frame
}
