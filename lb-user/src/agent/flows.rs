//! What the agent answers about single flows.

use super::core::Known;
use super::names::Names;
use crate::config::Protocol;
use crate::control::Refused;
use crate::control::types::{
    FlowCount, FlowFilter, FlowList, FlowOwner, FlowState, FlowStatus, FlowTuple, TopBy, TopFlows,
};
use crate::dataplane::{Dataplane, Flow};
use lb_common::abi::{TICK_SHIFT, Ticks};
use lb_common::flow::FlowKey;
use lb_common::wire::Be16;
use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};
use std::net::SocketAddr;

/// The flows that `filter` asks for, as many as it wants.
pub(super) fn list<D: Dataplane>(known: &Known, dataplane: &D, filter: &FlowFilter) -> Result<FlowList, Refused> {
    let names = Names::of(known);
    check(known, &names, filter)?;
    let table = dataplane.flow_table();
    let (mut matched, mut flows) = (0, Vec::new());
    for status in table.live().filter_map(|flow| status(&names, filter, &flow)) {
        matched += 1;
        if matched <= limit(filter) as u64 {
            flows.push(status);
        }
    }
    flows.sort_by(|one, other| (&one.service, one.tuple).cmp(&(&other.service, other.tuple)));
    Ok(FlowList { keys: table.has_keys(), matched, flows })
}

/// Who has most flows of those that `filter` asks for.
pub(super) fn top<D: Dataplane>(
    known: &Known,
    dataplane: &D,
    by: TopBy,
    filter: &FlowFilter,
) -> Result<TopFlows, Refused> {
    let names = Names::of(known);
    check(known, &names, filter)?;
    let table = dataplane.flow_table();
    let (mut matched, mut counts) = (0, HashMap::new());
    for status in table.live().filter_map(|flow| status(&names, filter, &flow)) {
        matched += 1;
        *counts.entry(owner(by, status)).or_insert(0) += 1;
    }
    let mut top: Vec<_> = counts.into_iter().map(|(of, flows)| FlowCount { of, flows }).collect();
    top.sort_by(|one, other| (Reverse(one.flows), &one.of).cmp(&(Reverse(other.flows), &other.of)));
    top.truncate(limit(filter));
    Ok(TopFlows { keys: table.has_keys(), matched, top })
}

fn limit(filter: &FlowFilter) -> usize {
    filter.limit.min(FlowFilter::MAX_LIMIT) as usize
}

/// Whoever asks for what is not there has misspelt it.
fn check(known: &Known, names: &Names<'_>, filter: &FlowFilter) -> Result<(), Refused> {
    let services = known.config.services.iter().map(|service| service.name.as_str()).collect();
    let backends = names.backends().map(|(_, named)| named.name.as_str()).collect();
    is_among("service", filter.service.as_deref(), services)?;
    is_among("back-end", filter.backend.as_deref(), backends)
}

fn is_among(kind: &str, name: Option<&str>, known: BTreeSet<&str>) -> Result<(), Refused> {
    /// As many as one reads.
    const SHOWN: usize = 20;
    match name {
        Some(name) if !known.contains(name) => {
            let some: Vec<_> = known.into_iter().take(SHOWN).collect();
            Err(Refused::invalid(format!("no {kind} is called {name:?}: there are {}", some.join(", "))))
        }
        _ => Ok(()),
    }
}

/// What there is to say of `flow`, if it is asked for and its back-end is still there.
fn status(names: &Names<'_>, filter: &FlowFilter, flow: &Flow) -> Option<FlowStatus> {
    let named = names.backend(flow.record.slot())?;
    let state = FlowState::of(flow.record.state().phase())?;
    let tuple = flow.key.as_ref().and_then(tuple);
    let is_meant = named.backend.generation == flow.record.generation()
        && filter.service.as_ref().is_none_or(|service| service == named.service)
        && filter.backend.as_ref().is_none_or(|backend| *backend == named.name)
        && filter.state.is_none_or(|wanted| wanted == state)
        && filter.client.is_none_or(|clients| tuple.is_some_and(|tuple| clients.contains(tuple.client.ip())));
    is_meant.then(|| FlowStatus {
        tuple,
        service: named.service.to_owned(),
        backend: named.name.clone(),
        state,
        idle_s: seconds(flow.silence),
        expires_in_s: seconds(flow.remaining),
    })
}

fn owner(by: TopBy, flow: FlowStatus) -> FlowOwner {
    match by {
        TopBy::Clients => FlowOwner::Client { client: flow.tuple.map(|tuple| tuple.client.ip()) },
        TopBy::Backends => FlowOwner::Backend { service: flow.service, backend: flow.backend },
        TopBy::Services => FlowOwner::Service { service: flow.service },
    }
}

fn tuple(key: &FlowKey) -> Option<FlowTuple> {
    let at = |address, port: Be16| SocketAddr::new(address, port.get());
    Some(FlowTuple {
        client: at(key.source.into(), key.ports.source),
        vip: at(key.destination.into(), key.ports.destination),
        protocol: Protocol::from_number(key.protocol)?,
    })
}

/// Ticks in whole seconds.
pub(super) fn seconds(ticks: Ticks) -> u64 {
    (u64::from(ticks) << TICK_SHIFT) / 1_000_000_000
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::testing::{agent, ask, question, send};
    use crate::control::Question;

    const ALL: FlowFilter = FlowFilter { client: None, service: None, backend: None, state: None, limit: 100 };

    /// Three flows of one client, one of another. The first is established.
    fn flows(filter: &FlowFilter) -> Result<FlowList, Refused> {
        let mut core = agent();
        for (client, flags) in CLIENTS {
            send(&mut core, &question(client, "192.0.2.10:443", Protocol::Tcp, Some(flags)));
        }
        ask(&mut core, |answer| Question::Flows(filter.clone(), answer))
    }

    const CLIENTS: [(&str, &str); 5] = [
        ("203.0.113.7:40000", "syn"),
        ("203.0.113.7:40000", "ack"),
        ("203.0.113.7:40001", "syn"),
        ("203.0.113.7:40002", "syn"),
        ("198.51.100.1:40000", "syn"),
    ];

    #[test]
    fn flows_are_listed_by_what_is_asked() {
        let matched = |filter: FlowFilter| flows(&filter).map(|list| list.matched);
        assert_eq!(matched(ALL), Ok(4));
        assert_eq!(matched(FlowFilter { client: "203.0.113.0/24".parse().ok(), ..ALL }), Ok(3));
        assert_eq!(matched(FlowFilter { service: Some("web".to_owned()), ..ALL }), Ok(4));
        assert_eq!(matched(FlowFilter { service: Some("dns".to_owned()), ..ALL }), Ok(0));
        assert_eq!(matched(FlowFilter { backend: Some("server-2".to_owned()), ..ALL }), Ok(2));
        assert_eq!(matched(FlowFilter { state: Some(FlowState::Established), ..ALL }), Ok(1));
        let unknown = matched(FlowFilter { backend: Some("server-3".to_owned()), ..ALL });
        let refusal = "no back-end is called \"server-3\": there are dns-1, server-1, server-2";
        assert_eq!(unknown, Err(Refused::invalid(refusal.to_owned())));
    }

    #[test]
    fn a_flow_is_shown_with_all_that_is_known_of_it() {
        let list = flows(&FlowFilter { state: Some(FlowState::Established), ..ALL }).unwrap();
        let tuple = FlowTuple {
            client: "203.0.113.7:40000".parse().unwrap(),
            vip: "192.0.2.10:443".parse().unwrap(),
            protocol: Protocol::Tcp,
        };
        let flow = FlowStatus {
            tuple: Some(tuple),
            service: "web".to_owned(),
            backend: "server-1".to_owned(),
            state: FlowState::Established,
            idle_s: 0,
            expires_in_s: 3_865,
        };
        assert_eq!(list, FlowList { keys: true, matched: 1, flows: vec![flow] });
    }

    #[test]
    fn an_answer_is_bounded_and_says_how_many_there_are() {
        let list = flows(&FlowFilter { limit: 2, ..ALL }).unwrap();
        assert_eq!((list.flows.len(), list.matched), (2, 4));
    }

    #[test]
    fn those_with_most_flows_come_first() {
        let mut core = agent();
        for (client, flags) in CLIENTS {
            send(&mut core, &question(client, "192.0.2.10:443", Protocol::Tcp, Some(flags)));
        }
        let top = ask(&mut core, |answer| Question::TopFlows(TopBy::Clients, FlowFilter { limit: 1, ..ALL }, answer))
            .unwrap();
        let client = FlowOwner::Client { client: "203.0.113.7".parse().ok() };
        assert_eq!(top, TopFlows { keys: true, matched: 4, top: vec![FlowCount { of: client, flows: 3 }] });
        for by in [TopBy::Clients, TopBy::Backends, TopBy::Services] {
            let top = ask(&mut core, |answer| Question::TopFlows(by, ALL, answer)).unwrap();
            let json = serde_json::to_string(&top).unwrap();
            assert_eq!(serde_json::from_str::<TopFlows>(&json).unwrap(), top, "{json}");
        }
    }
}
