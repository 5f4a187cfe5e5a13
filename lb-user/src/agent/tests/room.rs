use super::*;
use crate::config::{self, Ports};
use crate::state::Full;

/// A configuration with so many services that have a maglev ring each, of which some sixty fit: no file that was read has as many.
fn rings(services: u16) -> Config {
    let mut config = config(&service("s", 1, "scheduler = \"maglev\"", &[1]));
    let one = config.services.remove(0);
    config.services = (1..=services).map(|port| config::Service { ports: Ports::One(port), ..one.clone() }).collect();
    config
}

#[test]
fn an_agent_whose_services_never_fit_does_not_start() {
    let mut agent = Agent::new(rings(70), MemoryDataplane::new(1 << 10));
    let now = agent.at(0);
    assert!(matches!(agent.core.start(&network(), now), Err(Error::Full(Full::RingSpace))));
    assert_eq!(agent.observed(), Observed::default());
}

#[test]
fn adopted_maps_get_what_there_is_room_for_and_the_status_says_what_is_missing() {
    let first = Agent::start(rings(40));
    let mut second = Agent::new(rings(70), first.core.dataplane);
    let now = second.at(0);
    second.core.start(&network(), now).expect("the others go on");
    let failure = second.core.known.failure.as_ref().expect("something is missing");
    assert!(failure.contains("4194304 positions"), "{failure}");
    let with_ring = second.observed().services.values().filter(|service| !service.ring.is_empty()).count();
    assert!((50..70).contains(&with_ring), "{with_ring}");
}

#[test]
fn a_configuration_that_does_not_fit_is_refused_and_nothing_changes() {
    let mut agent = Agent::start(rings(40));
    let before = agent.observed();
    let proposal = Proposal { path: PathBuf::from("new.toml"), text: String::new(), config: rings(70) };
    let report = agent.core.preview(&proposal, &network(), agent.at(0)).expect("a report");
    assert!(!report.refusals[0].can_be_forced, "{report:?}");
    let now = agent.at(0);
    assert!(agent.core.adopt(&proposal, &network(), now).is_err());
    assert_eq!(agent.core.config(), &rings(40));
    let after = agent.observed();
    assert_eq!(before.services.keys().collect::<Vec<_>>(), after.services.keys().collect::<Vec<_>>());
}
