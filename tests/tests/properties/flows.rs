//! A flow goes to one back-end, whatever its packets look like and whatever else there is.

use crate::balancer::{Balancer, VIPS};
use crate::traffic::{Talk, any_frame, form, frame};
use lb_common::abi::Backend;
use lb_common::verdict::{Forwarded, Verdict};
use lb_user::dataplane::Dataplane;
use lb_user::state::Change;
use proptest::prelude::*;

/// How a flow begins, and how it goes on.
#[derive(Clone, Debug)]
struct Flow {
    talk: Talk,
    begins: &'static str,
    goes_on: &'static str,
}

/// A flow of a client that no other traffic is from.
fn flow() -> impl Strategy<Value = Flow> {
    let kinds = vec![
        ("tcp", 443, "S", "PA"),
        ("tcp", 443, "A", "PA"),
        ("udp", 53, "", ""),
        ("sctp", 2905, "INIT", "DATA"),
        ("tcp", 1000, "S", "A"),
        ("udp", 2050, "", ""),
        ("tcp", 9, "S", "A"),
    ];
    (any::<bool>(), prop::sample::select(kinds)).prop_map(|(is_v6, (transport, port, begins, goes_on))| {
        let client = if is_v6 { "2001:db8:9::9999" } else { "203.0.113.222" };
        let addresses = [client, VIPS[usize::from(is_v6)]].map(str::to_owned);
        Flow { talk: Talk { is_v6, addresses, transport, ports: [50_000, port] }, begins, goes_on }
    })
}

/// A flow, and other forms that its packets may have.
fn flow_and_forms() -> impl Strategy<Value = (Flow, Vec<String>)> {
    flow().prop_flat_map(|flow| {
        let forms = prop::collection::vec(form(flow.talk.is_v6), 1..10);
        (Just(flow), forms)
    })
}

impl Flow {
    fn first(&self) -> Vec<u8> {
        frame(&self.talk.packet(self.begins))
    }

    /// A later packet in one of its forms.
    fn later(&self, form: &str) -> Vec<u8> {
        frame(&format!("{}{form}payload = 40", self.talk.packet(self.goes_on)))
    }

    /// A later packet in pieces.
    fn pieces(&self, id: u32) -> [Vec<u8>; 2] {
        ["offset = 0, length = 48", "offset = 48"].map(|piece| {
            frame(&format!("{}fragment = {{ id = {id}, {piece} }}\npayload = 100", self.talk.packet(self.goes_on)))
        })
    }
}

proptest! {
    #[test]
    fn a_flow_stays_with_its_back_end(
        (flow, forms) in flow_and_forms(),
        traffic in prop::collection::vec(any_frame(400), 1..50),
    ) {
        let balancer = Balancer::new();
        let way = balancer.way(&flow.first());
        prop_assert!(way.is_some());
        let backend = way.map(|(slot, _)| slot);
        for (number, other) in (0..).zip(traffic) {
            balancer.run(&other);
            let form = &forms[number as usize % forms.len()];
            prop_assert_eq!(balancer.way(&flow.later(form)), way, "{}", form);
            let [first, second] = flow.pieces(number);
            prop_assert_eq!([balancer.slot(&first), balancer.slot(&second)], [backend; 2], "in pieces");
            prop_assert_eq!(balancer.slot(&flow.talk.error("time-exceeded", 8)), backend, "an ICMP error");
        }
    }
}

/// The agent forgets the flows of a freed slot, but one may be decided on just before that, and remembered just after.
#[test]
fn a_flow_of_the_slots_former_owner_is_unknown_to_the_next() {
    let mut balancer = Balancer::new();
    let slot = balancer.slot(&frame("ip = '10.0.0.1 > 192.0.2.10'\ntcp = '40000 > 443 S'")).expect("a back-end");
    let backend = balancer.observed.backends[&slot];
    let next = Backend { generation: backend.generation + 1, ..backend };
    let Ok(()) = balancer.dataplane.apply(&Change::SetBackend { slot, backend: next });
    let (outcome, _) = balancer.run(&frame("ip = '10.0.0.1 > 192.0.2.10'\ntcp = '40000 > 443 A'"));
    assert_eq!(outcome.verdict, Verdict::Forwarded(Forwarded::UnknownFlow));
}
