//! What is just possible, and what no longer is.

use super::{changed, parse, report};
use std::net::Ipv4Addr;

#[test]
fn the_ends_of_every_range_are_in_it() {
    let good = [
        ("port = 443", "port = 1"),
        ("port = 443", "port = 65535"),
        ("port = 443", "port = \"443\""),
        ("port = 443", "port = \"1-65535\""),
        ("port = 443", "port = \"65534-65535\""),
        ("flows = 65536", "flows = 1024"),
        ("flows = 65536", "flows = 67108864"),
        ("clients = 4096", "clients = 1024"),
        ("clients = 4096", "clients = 16777216"),
        (
            "half-open-timeout = \"10s\"\nclosing-timeout = \"5s\"\ntcp-timeout = \"2h\"\nudp-timeout = \"2m\"\nidle-after = \"10m\"",
            "half-open-timeout = \"2s\"\ntcp-timeout = \"2s\"\nidle-after = \"1s\"",
        ),
        ("tcp-timeout = \"2h\"", "tcp-timeout = \"90days\""),
        ("removal-grace = \"5m\"", "removal-grace = \"0s\""),
        ("removal-grace = \"5m\"", "removal-grace = \"90days\""),
        ("echo-rate = 500", "echo-rate = 1"),
        ("echo-rate = 500", "echo-rate = 1000000000"),
        ("eth0", "a"),
        ("eth0", "fifteen-bytes-1"),
        ("web-2", "a-name-of-63-bytes.2345678.2345678.2345678.2345678.2345678.2345"),
        ("idle-timeout = \"30s\"", "idle-timeout = \"1s\""),
        ("idle-timeout = \"30s\"", "idle-timeout = \"90days\""),
        ("gue-port = 6081", "gue-port = 1"),
        ("gue-port = 6081", "gue-port = 65535"),
        (" prefix = 24, prefix-v6 = 56,", " prefix = 1, prefix-v6 = 1,"),
        (" prefix = 24, prefix-v6 = 56,", " prefix = 32, prefix-v6 = 128,"),
        ("max-load = 1.25", "max-load = 1.0"),
        ("max-load = 1.25", "max-load = 1"),
        ("max-load = 1.25", "max-load = 1000.0"),
        ("10.6.6.0/24", "0.0.0.0/0"),
        ("allow = [\"10.0.0.0/8\", \"2001:db8::/32\"]", "allow = [\"10.0.0.0/8\"]"),
        ("10.6.6.0/24", "::/0"),
        ("source-prefix = 28", "source-prefix = 1"),
        ("source-prefix = 28", "source-prefix = 32"),
        ("source-prefix-v6 = 48", "source-prefix-v6 = 128"),
        ("vlan = [200, 100]", "vlan = [1, 4094]"),
        ("weight = 2,", "weight = 256,"),
        ("codepoint = 2", "codepoint = 0"),
        ("codepoint = 2", "codepoint = 6"),
        ("nonce-length = 4", "nonce-length = 16"),
        (
            "server-id-length = 1\nnonce-length = 18\nservers = { v1 = \"01\" }",
            "server-id-length = 15\nnonce-length = 4\nservers = { v1 = \"0102030405060708090a0b0c0d0e0f\" }",
        ),
        // One VIP and port serve TCP and UDP, and one VIP several ports.
        ("vip = \"192.0.2.20\"\nport = 53", "vip = \"192.0.2.10\"\nport = 443"),
        ("vip = \"192.0.2.20\"", "vip = \"192.0.2.10\""),
        // A port, a range and all ports stand beside each other.
        (
            "vip = \"192.0.2.40\"\nport = \"all\"\nprotocol = \"sctp\"",
            "vip = \"2001:db8::30\"\nport = 8000\nprotocol = \"udp\"",
        ),
        (
            "vip = \"192.0.2.40\"\nport = \"all\"\nprotocol = \"sctp\"",
            "vip = \"2001:db8::30\"\nport = \"8100-8200\"\nprotocol = \"udp\"",
        ),
        (
            "vip = \"192.0.2.40\"\nport = \"all\"\nprotocol = \"sctp\"",
            "vip = \"2001:db8::30\"\nport = \"all\"\nprotocol = \"udp\"",
        ),
        // A tunnel leads to back-ends of either family.
        (
            "tunnel-source = [\"172.17.0.1\"]\naffinity = { window = \"90s\" }\nbackends = [{ name = \"s1\", address = \"10.1.0.1\"",
            "backends = [{ name = \"s1\", address = \"2001:db8:2::1\"",
        ),
        ("tunnel-source = [\"172.17.0.1\"]", "tunnel-source = [\"223.255.255.0/24\"]"),
        ("one-packet = true", "one-packet = true\nscheduler = \"source-hash\"\nnew-flow-rate = 1000"),
        ("one-packet = true", "one-packet = false\naffinity = { window = \"90s\" }\nflood-above = 10"),
        ("vip = \"192.0.2.40\"", "vip = \"2001:db8::40\""),
        // One server may stand behind several services.
        ("{ name = \"dns-1\", address = \"192.0.2.21\" }", "{ name = \"web-1\", address = \"192.0.2.11\" }"),
        // A weight of 1 is what every back-end has, with every scheduler.
        ("address = \"192.0.2.21\" }", "address = \"192.0.2.21\", weight = 1 }"),
        // A prefix may be listed twice, and what is listed in both lists may differ in length.
        ("10.6.6.0/24", "2001:db8:bad::/48"),
        ("10.6.6.0/24", "10.0.0.0/9"),
        // Lists add up, and to deny nobody says nothing.
        ("allow = [\"10.0.0.0/8\", \"2001:db8::/32\"]", "allow = []"),
        ("/lists/allow.txt", "/lists/empty.txt"),
        ("/lists/deny.txt", "/lists/empty.txt"),
    ];
    for (from, to) in good {
        let parsed = parse(&changed(from, to));
        assert!(parsed.is_ok(), "after changing {from:?} to {to:?}: {parsed:?}");
    }
}

#[test]
fn one_interface_too_many_is_reported() {
    let names: Vec<_> = (0..17).map(|index| format!("\"eth{index}\"")).collect();
    let text = changed("[\"eth0\", \"bond0.100\"]", &format!("[\n{}]", names.join(",\n")));
    assert_eq!(report(&text), "handoff.toml:19: agent: this interface is one too many: at most 16 are possible");
}

/// Services of so many back-ends each. The agent has 2 lines, a service 5 before its back-ends and 1 behind them.
fn services_of(backends: &[u32]) -> String {
    let mut text = "[agent]\ninterfaces = [\"eth0\"]\n".to_owned();
    for (service, &backends) in (1..).zip(backends) {
        let vip = Ipv4Addr::from(0xc000_0000 + service);
        text += &format!("[[service]]\nname = \"s{service}\"\nvip = \"{vip}\"\nport = 80\nbackends = [\n");
        for backend in 1..=backends {
            let address = Ipv4Addr::from(0x0a00_0000 + backend);
            text += &format!("{{ name = \"b{backend}\", address = \"{address}\" }},\n");
        }
        text += "]\n";
    }
    text
}

#[test]
fn the_limits_are_possible() {
    let config = parse(&services_of(&[8; 1_024])).expect("1,024 services of 8 back-ends");
    assert_eq!(config.services.len(), 1_024);
    let config = parse(&services_of(&[1_024; 8])).expect("8 services of 1,024 back-ends");
    assert!(config.services.iter().all(|service| service.backends.len() == 1_024));
}

#[test]
fn one_more_than_a_limit_is_reported() {
    assert_eq!(
        report(&services_of(&[1, 1_025])),
        "handoff.toml:1039: service \"s2\": this back-end is one too many: at most 1024 are possible"
    );
    assert_eq!(
        report(&services_of(&[1_024, 1_024, 1_024, 1_024, 1_024, 1_024, 1_024, 1_023, 2])),
        "handoff.toml:8248: this back-end is one too many: at most 8192 are possible in all services"
    );
    assert_eq!(
        report(&services_of(&[1; 1_025])),
        "handoff.toml:7171: this service is one too many: at most 1024 are possible"
    );
}

/// Services with such idle timeouts in seconds. The agent has 2 lines, a service 6, the last of which has the timeout.
fn idle_timeouts(seconds: impl Iterator<Item = u32>) -> String {
    let services = seconds.enumerate().map(|(index, seconds)| {
        format!(
            "[[service]]\nname = \"s{index}\"\nvip = \"192.0.2.1\"\nport = {}\nbackends = [{{ name = \"b\", address = \"192.0.2.2\" }}]\nidle-timeout = \"{seconds}s\"\n",
            index + 1
        )
    });
    "[agent]\ninterfaces = [\"eth0\"]\n".to_owned() + &services.collect::<String>()
}

#[test]
fn there_are_31_different_idle_timeouts() {
    let many = (0..62).map(|index| 10 * (1 + index % 31));
    assert!(parse(&idle_timeouts(many.clone())).is_ok());
    assert_eq!(
        report(&idle_timeouts(many.chain([400, 500]))),
        "handoff.toml:380: service \"s62\": this idle-timeout is one too many: at most 31 different ones are possible"
    );
}
