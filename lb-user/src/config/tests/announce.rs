//! `[announce]`, in each of its ways.

use crate::config::{AnnounceBy, AnnounceWhen, Community, Config, Error, InterfaceName};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The configuration with these keys in `[announce]`, and in its service.
fn parse(announce: &str, service: &str) -> Result<Config, Error> {
    let text = format!(
        "[agent]\ninterfaces = [\"eth0\"]\n[announce]\n{announce}\n[[service]]\nname = \"web\"\nvip = \"192.0.2.10\"\nport = 80\n\
         backends = [{{ name = \"a\", address = \"192.0.2.11\" }}, {{ name = \"b\", address = \"192.0.2.12\" }}]\n{service}\n"
    );
    Config::parse(Path::new("handoff.toml"), &text)
}

fn by(announce: &str) -> AnnounceBy {
    parse(announce, "").expect("a good file").announce.expect("an announcement").by
}

fn mistake(announce: &str, service: &str) -> String {
    parse(announce, service).expect_err("a mistake").to_string()
}

#[test]
fn each_way_has_its_keys() {
    let communities = vec![Community(65_000, 100), Community(0, 65_535)];
    let bird = AnnounceBy::Bird {
        socket: PathBuf::from("/run/bird/bird.ctl"),
        file: PathBuf::from("/run/handoff/bird.conf"),
        communities: Vec::new(),
    };
    assert_eq!(by("by = \"bird\""), bird);
    assert_eq!(by("by = \"frr\"\nas-number = 65001"), AnnounceBy::Frr { as_number: 65_001 });
    let exabgp = AnnounceBy::ExaBgp { pipe: PathBuf::from("/run/exabgp/exabgp.in"), communities };
    assert_eq!(by("by = \"exabgp\"\ncommunities = [\"65000:100\", \"0:65535\"]"), exabgp);
    let hook = AnnounceBy::Hook(vec!["/bin/tell".to_owned(), "vip".to_owned()]);
    assert_eq!(by("by = \"hook\"\ncommand = [\"/bin/tell\", \"vip\"]"), hook);
    let on = |name: &str| AnnounceBy::L2(vec![InterfaceName(name.to_owned())]);
    assert_eq!(by("by = \"l2\""), on("eth0"));
    assert_eq!(by("by = \"l2\"\ninterfaces = [\"eth1\"]"), on("eth1"));
}

#[test]
fn what_is_not_said_has_a_default() {
    let announce = parse("by = \"l2\"", "").expect("a good file").announce.expect("an announcement");
    assert_eq!(announce.when, AnnounceWhen::All);
    assert_eq!([announce.hold, announce.drain_wait, announce.repeat], [1, 5, 30].map(Duration::from_secs));
}

#[test]
fn services_say_whether_they_have_a_say() {
    let service = |service| parse("by = \"l2\"", service).expect("a good file").services.remove(0);
    assert!(service("").is_announced && service("announce = true").is_announced);
    assert!(!service("announce = false").is_announced);
}

#[test]
fn mistakes_are_reported() {
    for (announce, report) in [
        (
            "by = \"ospf\"",
            ":4: announce: by \"ospf\" is not known: use \"bird\" or \"frr\" or \"exabgp\" or \"hook\" or \"l2\"",
        ),
        ("by = \"frr\"", ":4: announce: as-number is missing: give the number of FRR's BGP router, as 65001"),
        ("by = \"frr\"\nas-number = 0", ":5: announce: as-number 0 cannot be: use 1 to 4294967294"),
        ("by = \"hook\"", ":4: announce: command is missing: name the program, as [\"/usr/local/bin/announce\"]"),
        (
            "by = \"hook\"\ncommand = [\"tell\"]",
            ":5: announce: command must begin with the absolute path of a program, as [\"/usr/local/bin/announce\"]",
        ),
        ("by = \"l2\"\nfile = \"/x\"", ":5: announce: file is for by = \"bird\": remove it"),
        ("by = \"l2\"\ncommunities = []", ":5: announce: communities is for by = \"bird\" or \"exabgp\": remove it"),
        (
            "by = \"bird\"\ncommunities = [\"65536:1\"]",
            ":5: announce: community \"65536:1\" is none: use two numbers, as 65000:100",
        ),
        ("by = \"l2\"\nrepeat = \"0s\"", ":5: announce: repeat \"0s\" is out of range: use 1s to 90days"),
        (
            "by = \"l2\"\ncommand = 7",
            ":5: announce: command must be an array of strings, as [\"/usr/local/bin/announce\"]",
        ),
    ] {
        assert_eq!(mistake(announce, ""), format!("handoff.toml{report}"), "{announce}");
    }
}

#[test]
fn the_example_of_the_documentation_is_good() {
    let documentation = include_str!("../../../../docs/announce.md");
    let example =
        documentation.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).expect("an example");
    let text = format!("[agent]\ninterfaces = [\"eth0\"]\n{example}");
    let config = Config::parse(Path::new("announce.md"), &text).expect("a good example");
    assert!(config.announce.is_some() && config.services[0].min_ready == 2);
}
