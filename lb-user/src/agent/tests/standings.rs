use super::*;
use crate::config::BackendName;
use crate::health::Outcome;

#[test]
fn a_backend_without_a_way_says_why_in_each_service() {
    let fixed = service("one", 80, "", &[1]);
    let asked = fixed
        .replace("one", "two")
        .replace("80", "443")
        .replace(", mac = \"02:00:00:00:00:01\", interface = \"eth0\"", "");
    let mut agent = Agent::new(config(&(fixed + &asked)), MemoryDataplane::new(1 << 10));
    let now = agent.at(0);
    agent.core.start(&Network::default(), now).expect("room");
    let config = agent.core.config();
    let standings = &agent.core.known.standings;
    let reasons: Vec<_> = config.services.iter().map(|it| standings.get(it, &it.backends[0]).reason).collect();
    assert!(reasons.iter().all(Option::is_some), "{reasons:?}");
    assert_ne!(reasons[0], reasons[1]);
}

#[test]
fn who_comes_back_starts_slowly() {
    let mut agent = Agent::start(config(&service("web", 443, "slow-start = \"10s\"", &[1, 2])));
    assert_eq!(agent.ring(), [(1, 1), (2, 1)], "at the agent's start nobody does");
    let now = agent.at(0);
    agent.core.say(&say("b1", Verb::Drain), now).expect("a back-end");
    assert_eq!((agent.ring(), agent.state("b1")), (vec![(2, 1)], BackendState::Draining));
    let now = agent.at(1);
    agent.core.say(&say("b1", Verb::Undrain), now).expect("a back-end");
    assert_eq!((agent.ring(), agent.state("b1")), (vec![(1, 1), (2, 10)], BackendState::Starting));
    let now = agent.at(6);
    agent.core.follow(now).expect("room");
    assert_eq!(agent.ring(), [(1, 3), (2, 5)]);
    let now = agent.at(11);
    agent.core.follow(now).expect("room");
    assert_eq!((agent.ring(), agent.state("b1")), (vec![(1, 1), (2, 1)], BackendState::Ready));
}

#[test]
fn who_was_out_of_service_has_to_pass_its_check_first_when_an_agent_starts() {
    let services = service("web", 443, "health = { type = \"tcp\", rise = 2 }", &[1, 2]);
    let mut first = Agent::start(config(&services));
    let target = BackendName { service: "web".to_owned(), backend: "b1".to_owned() };
    let outcome = |result| Outcome { target: target.clone(), result };
    for _ in 0..2 {
        let now = first.at(1);
        first.core.heed([outcome(Err("refused".to_owned()))].into_iter(), now);
    }
    assert_eq!((first.ring(), first.state("b1")), (vec![(2, 1)], BackendState::Down));

    let mut second = Agent::new(config(&services), first.core.dataplane);
    let now = second.at(0);
    second.core.start(&network(), now).expect("room");
    assert_eq!((second.ring(), second.state("b1")), (vec![(2, 1)], BackendState::Down));
    for ring in [vec![(2, 1)], vec![(1, 1), (2, 1)]] {
        second.core.heed([outcome(Ok(Duration::from_millis(1)))].into_iter(), now);
        assert_eq!(second.ring(), ring);
    }
}
