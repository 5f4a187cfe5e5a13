use super::*;
use crate::control::RefusedKind;
use crate::control::types::PlannedChange;
use std::fs;

#[test]
fn a_proposal_is_told_before_it_is_made() {
    let agent = Agent::start(config(&service("web", 443, "", &[1, 2])));
    let services = service("web", 443, "scheduler = \"maglev\"", &[2, 3]) + &service("dns", 53, "", &[1]);
    let before = agent.observed();
    let report = agent.core.preview(&proposal(&agent, text(&services)), &network(), agent.at(0)).expect("a report");
    assert_eq!(agent.observed(), before, "a preview changed something");
    assert!(report.refusals.is_empty(), "{report:?}");
    let [web, dns] = &report.services[..] else { panic!("{report:?}") };
    assert_eq!(
        (web.change, web.details.as_slice()),
        (PlannedChange::Changed, &["scheduler: round-robin -> maglev".to_owned()][..])
    );
    let changes: Vec<_> = web.backends.iter().map(|backend| (backend.name.as_str(), backend.change)).collect();
    assert_eq!(changes, [("b1", PlannedChange::Removed), ("b3", PlannedChange::Added)]);
    assert!((web.ring_moved - 0.5).abs() < 0.01, "half of the flows go to another: {}", web.ring_moved);
    // Half of it was b1's, and some of b2's goes to b3.
    assert!((0.5..0.75).contains(&web.consistent_moved), "{}", web.consistent_moved);
    assert_eq!((dns.name.as_str(), dns.change), ("dns", PlannedChange::Added));
}

#[test]
fn an_adopted_proposal_is_the_file_and_a_generation() {
    let mut agent = Agent::start(config(&service("web", 443, "", &[1, 2])));
    agent.core.store.generations.keep("first").expect("room");
    let new = proposal(&agent, text(&service("web", 443, "", &[2, 3])));
    let now = agent.at(0);
    assert_eq!(agent.core.adopt(&new, &network(), now).expect("room"), 2);
    assert_eq!(agent.ring(), [(2, 1), (3, 1)]);
    assert_eq!(fs::read_to_string(agent.folder.path().join("handoff.toml")).expect("the file"), new.text);
    assert_eq!(agent.core.store.generations.former(None).expect("one").1, "first");
}

#[test]
fn a_file_that_cannot_be_written_leaves_all_as_it_was() {
    let mut agent = Agent::start(config(&service("web", 443, "", &[1, 2])));
    // Nobody replaces a folder by a file.
    fs::create_dir(agent.folder.path().join("handoff.toml")).expect("a folder");
    let before = agent.observed().services;
    let new = proposal(&agent, text(&service("web", 443, "", &[2, 3])));
    let now = agent.at(0);
    let error = agent.core.adopt(&new, &network(), now).expect_err("a failure");
    assert!(matches!(error, Error::Install { .. }), "{error}");
    assert_eq!(agent.ring(), [(1, 1), (2, 1)]);
    assert_eq!(agent.observed().services.keys().collect::<Vec<_>>(), before.keys().collect::<Vec<_>>());
    assert_eq!(agent.core.store.generations.current(), 0);
}

#[test]
fn keys_that_need_a_new_agent_are_refused() {
    let agent = Agent::start(config(&service("web", 443, "", &[1])));
    let text = "[agent]\ninterfaces = [\"eth0\"]\npin-folder = \"/sys/fs/bpf/other\"\n".to_owned();
    let new = proposal(&agent, text + &service("web", 443, "", &[1]));
    let report = agent.core.preview(&new, &network(), agent.at(0)).expect("a report");
    let [refusal] = &report.refusals[..] else { panic!("{report:?}") };
    assert!(refusal.message.starts_with("agent: pin-folder differs") && !refusal.can_be_forced, "{refusal:?}");
}

#[test]
fn too_few_backends_are_refused_unless_forced() {
    let mut agent = Agent::start(config(&service("web", 443, "min-ready = 2", &[1, 2])));
    // Nobody gets any new flows with weight 0.
    let scheduler = "min-ready = 2\nscheduler = \"maglev\"";
    let less = service("web", 443, scheduler, &[1, 2]).replacen("\"eth0\"", "\"eth0\", weight = 0", 1);
    let less = proposal(&agent, text(&less));
    let report = agent.core.preview(&less, &network(), agent.at(0)).expect("a report");
    assert!(report.refusals.iter().all(|refusal| refusal.can_be_forced) && report.refusals.len() == 1, "{report:?}");

    let now = agent.at(0);
    let refused = agent.core.say(&say("b1", Verb::Drain), now).expect_err("a refusal");
    assert_eq!(refused.kind, RefusedKind::Conflict);
    assert!(
        refused.message.contains("only 1 of 2 back-ends") && refused.message.contains("--force"),
        "{}",
        refused.message
    );
    assert_eq!(agent.state("b1"), BackendState::Ready);
    agent.core.say(&OverrideRequest { force: true, ..say("b1", Verb::Drain) }, now).expect("forced");
    assert_eq!(agent.ring(), [(2, 1)]);
}

#[test]
fn overrides_outlive_the_agent() {
    let services = service("web", 443, "scheduler = \"weighted-round-robin\"", &[1, 2]);
    let mut first = Agent::start(config(&services));
    let now = first.at(0);
    first.core.say(&say("b2", Verb::Weight(3)), now).expect("a back-end");
    assert_eq!(first.ring(), [(1, 1), (2, 3)]);
    let Agent { core, folder, .. } = first;
    let Core { dataplane, store, .. } = core;
    drop(store);
    let store = Store::open(&folder.path().join("state")).expect("a store");
    let core = Core::new(PathBuf::new(), config(&services), dataplane, store).expect("maps");
    let mut second = Agent { core, start: Instant::now(), folder };
    let now = second.at(0);
    second.core.start(&network(), now).expect("room");
    assert_eq!(second.ring(), [(1, 1), (2, 3)]);
    second.core.say(&say("b2", Verb::ResetWeight), now).expect("a back-end");
    assert_eq!(second.ring(), [(1, 1), (2, 1)]);
}

#[test]
fn a_disabled_backend_has_no_flows_and_comes_back_as_another_generation() {
    let mut agent = Agent::start(config(&service("web", 443, "", &[1, 2])));
    let slot_of = |agent: &Agent, last: u8| {
        let backends = agent.observed().backends.into_iter();
        backends.filter(|(_, it)| it.address.octets()[15] == last).map(|(slot, it)| (slot, it.generation)).next()
    };
    let (slot, generation) = slot_of(&agent, 1).expect("a slot");
    let now = agent.at(0);
    agent.core.say(&say("b1", Verb::Disable), now).expect("a back-end");
    assert_eq!((agent.ring(), slot_of(&agent, 1)), (vec![(2, 1)], None));
    assert_eq!(agent.observed().backends[&slot].generation, generation + 1);
    agent.core.say(&say("b1", Verb::Enable), now).expect("a back-end");
    assert_eq!(agent.ring(), [(1, 1), (2, 1)]);
}
