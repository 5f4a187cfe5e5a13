use super::*;
use lb_common::abi::Timeouts;
use lb_common::flow_table::FlowState;
use proptest::prelude::*;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::time::Duration;

/// Every key, with a value that is not the default where there is another.
const FULL: &str = include_str!("tests/full.toml");

/// Changes to [`FULL`] that are mistakes, and what is reported of each.
const MISTAKES: &str = include_str!("tests/mistakes.txt");

fn parse(text: &str) -> Result<Config, Error> {
    Config::parse(Path::new("handoff.toml"), text)
}

/// What is reported of `text`, which must have mistakes.
fn report(text: &str) -> String {
    match parse(text) {
        Ok(config) => panic!("no mistake found:\n{text}\n{config:#?}"),
        Err(error) => error.to_string(),
    }
}

/// [`FULL`] with its one `from` changed to `to`.
fn changed(from: &str, to: &str) -> String {
    assert_eq!(FULL.matches(from).count(), 1, "{from}");
    FULL.replace(from, to)
}

fn backend(name: &str, address: [u8; 4]) -> Backend {
    Backend { name: name.to_owned(), address: Ipv4Addr::from(address) }
}

#[test]
fn every_key_arrives_in_the_model() {
    let expected = Config {
        interfaces: vec![InterfaceName("eth0".to_owned()), InterfaceName("bond0.100".to_owned())],
        xdp_mode: XdpMode::Native,
        control_socket: PathBuf::from("/tmp/handoff.sock"),
        pin_folder: PathBuf::from("/sys/fs/bpf/edge"),
        removal_grace: Duration::from_secs(300),
        flow_table: FlowTable {
            flows: 65_536,
            // In ticks of 1.07 s, rounded up.
            timeouts: Timeouts::new(10, 6_706, 5, 112, 559),
        },
        services: vec![
            Service {
                name: "web".to_owned(),
                vip: Ipv4Addr::new(192, 0, 2, 10),
                port: 443,
                protocol: Protocol::Tcp,
                scheduler: Scheduler::RoundRobin,
                forwarding: Forwarding::L2Dsr,
                backends: vec![backend("web-1", [192, 0, 2, 11]), backend("web-2", [192, 0, 2, 12])],
            },
            Service {
                name: "dns".to_owned(),
                vip: Ipv4Addr::new(192, 0, 2, 20),
                port: 53,
                protocol: Protocol::Udp,
                scheduler: Scheduler::RoundRobin,
                forwarding: Forwarding::L2Dsr,
                backends: vec![backend("dns-1", [192, 0, 2, 21])],
            },
        ],
    };
    assert_eq!(parse(FULL).expect("a good file"), expected);
}

#[test]
fn what_is_not_said_has_a_default() {
    let text = r#"
        [agent]
        interfaces = ["eth0"]
        [[service]]
        name = "web"
        vip = "192.0.2.10"
        port = 80
        backends = []
    "#;
    let expected = Config {
        interfaces: vec![InterfaceName("eth0".to_owned())],
        xdp_mode: XdpMode::Auto,
        control_socket: PathBuf::from("/run/handoff/control.sock"),
        pin_folder: PathBuf::from("/sys/fs/bpf/handoff"),
        removal_grace: Duration::from_secs(60),
        flow_table: FlowTable::DEFAULT,
        services: vec![Service {
            name: "web".to_owned(),
            vip: Ipv4Addr::new(192, 0, 2, 10),
            port: 80,
            protocol: Protocol::Tcp,
            scheduler: Scheduler::RoundRobin,
            forwarding: Forwarding::L2Dsr,
            backends: Vec::new(),
        }],
    };
    assert_eq!(parse(text).expect("a good file"), expected);
}

#[test]
fn the_ends_of_every_range_are_in_it() {
    let good = [
        ("port = 443", "port = 1"),
        ("port = 443", "port = 65535"),
        ("flows = 65536", "flows = 1024"),
        ("flows = 65536", "flows = 67108864"),
        ("tcp-timeout = \"2h\"", "tcp-timeout = \"1s\""),
        ("tcp-timeout = \"2h\"", "tcp-timeout = \"90days\""),
        ("removal-grace = \"5m\"", "removal-grace = \"0s\""),
        ("removal-grace = \"5m\"", "removal-grace = \"90days\""),
        ("eth0", "a"),
        ("eth0", "fifteen-bytes-1"),
        ("web-2", "a-name-of-63-bytes.2345678.2345678.2345678.2345678.2345678.2345"),
        // One VIP and port serve TCP and UDP, and one VIP several ports.
        ("vip = \"192.0.2.20\"\nport = 53", "vip = \"192.0.2.10\"\nport = 443"),
        ("vip = \"192.0.2.20\"", "vip = \"192.0.2.10\""),
        // One server may stand behind several services.
        ("{ name = \"dns-1\", address = \"192.0.2.21\" }", "{ name = \"web-1\", address = \"192.0.2.11\" }"),
    ];
    for (from, to) in good {
        assert!(parse(&changed(from, to)).is_ok(), "after changing {from:?} to {to:?}");
    }
}

#[test]
fn each_mistake_is_reported_with_line_key_and_remedy() {
    let cases: Vec<_> = MISTAKES.split("\n\n").filter(|case| !case.starts_with('#')).collect();
    assert!(!cases.is_empty());
    for case in cases {
        let marked = |mark| case.lines().filter_map(|line| line.strip_prefix(mark)).collect::<Vec<_>>().join("\n");
        let (_, expected) = case.trim_end().rsplit_once('\n').expect("a change, then a report");
        assert_eq!(report(&changed(&marked("- "), &marked("+ "))), expected, "{case}");
    }
}

#[test]
fn an_empty_file_is_reported() {
    assert_eq!(report(""), "handoff.toml:1: missing field `agent`");
}

#[test]
fn a_service_with_single_brackets_is_reported() {
    let text = "[agent]\ninterfaces = [\"eth0\"]\n\n[service]\nname = \"web\"\n";
    assert_eq!(report(text), "handoff.toml:4: service must be an array of tables, each as [[service]]");
}

#[test]
fn one_interface_too_many_is_reported() {
    let names: Vec<_> = (0..17).map(|index| format!("\"eth{index}\"")).collect();
    let text = changed("[\"eth0\", \"bond0.100\"]", &format!("[\n{}]", names.join(",\n")));
    assert_eq!(report(&text), "handoff.toml:19: agent: this interface is one too many: at most 16 are possible");
}

#[test]
fn all_mistakes_are_reported_in_the_order_of_the_lines() {
    let text = r#"[[service]]
port = 0
backends = [
    { name = "a", address = "192.0.2.300" },
    { name = "a", address = "192.0.2.1" },
]
vip = "192.0.2.1"
name = "web"

[[service]]
name = "web"
vip = "::"
port = 80
backends = []

[flow-table]
flows = 3

[agent]
removal-grace = "1"
interfaces = [
    "eth0",
    "eth0",
]
"#;
    let expected = "\
handoff.toml:2: service \"web\": port 0 cannot be: use 1 to 65535
handoff.toml:4: service \"web\": back-end \"a\": address \"192.0.2.300\" is not an IPv4 address, as 192.0.2.10
handoff.toml:5: service \"web\": back-end \"a\": the name is already taken in line 4
handoff.toml:5: service \"web\": back-end \"a\": 192.0.2.1 is a VIP, in line 7: give the back-end's own address, the one it has besides the VIP
handoff.toml:11: service \"web\": the name is already taken in line 8
handoff.toml:12: service \"web\": vip \"::\" is not an IPv4 address, as 192.0.2.10
handoff.toml:17: flow-table: flows 3 cannot be: use a power of two from 1024 to 67108864, as 1048576
handoff.toml:20: agent: removal-grace \"1\" is not a duration, as 90s, 15m or 1h
handoff.toml:23: agent: interface \"eth0\" is already in line 22: name it once";
    assert_eq!(report(text), expected);
}

#[test]
fn a_service_with_another_mistake_is_still_a_duplicate() {
    let text = changed(
        "vip = \"192.0.2.20\"\nport = 53\nprotocol = \"udp\"",
        "vip = \"192.0.2.10\"\nport = 443\nscheduler = \"random\"",
    );
    let expected = "\
handoff.toml:30: service \"dns\": 192.0.2.10:443/tcp is already a service, in line 18: give one of them another port or VIP
handoff.toml:32: service \"dns\": scheduler \"random\" is not known: use \"round-robin\"";
    assert_eq!(report(&text), expected);
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
        report(&services_of(&[0; 1_025])),
        "handoff.toml:6147: this service is one too many: at most 1024 are possible"
    );
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let error = Config::load(Path::new("/nowhere/handoff.toml")).expect_err("there is no such folder");
    assert_eq!(
        error.to_string(),
        "/nowhere/handoff.toml: cannot read the configuration: No such file or directory (os error 2); \
         name a readable file with --config"
    );
}

/// Whatever `text` is, it is a configuration or has problems, each on a line of it, in order.
fn assert_sane(text: &str) {
    if let Err(Error::Invalid { problems, .. }) = parse(text) {
        let lines = 1 + text.matches('\n').count();
        assert!(problems.iter().all(|problem| (1..=lines).contains(&problem.line)), "{problems:?}");
        assert!(problems.is_sorted_by_key(|problem| problem.line), "{problems:?}");
        assert!(!problems.is_empty());
    }
}

proptest! {
    #[test]
    fn any_text_is_survived(text: String) {
        assert_sane(&text);
    }

    #[test]
    fn a_damaged_file_is_survived(
        damage in prop::collection::vec(
            (0..FULL.len(), 0..8usize, prop_oneof![any::<String>(), "[\\[\\]{}=\",#\n]{0,4}", "[a-z0-9./-]{0,4}"]),
            1..6,
        ),
    ) {
        let mut text = FULL.to_owned();
        for (start, len, replacement) in damage {
            let start = start.min(text.len());
            let end = (start + len).min(text.len());
            if text.is_char_boundary(start) && text.is_char_boundary(end) {
                text.replace_range(start..end, &replacement);
            }
        }
        assert_sane(&text);
    }

    #[test]
    fn any_duration_is_in_range_or_reported(text in "[0-9]{0,20}(ns|ms|s|m|h|days|months|years|)( [0-9]{1,3}(s|h|days))?") {
        if let Ok(config) = parse(&changed("2h", &text)) {
            let ticks = config.flow_table.timeouts.expired[FlowState::ESTABLISHED.index()];
            // 90 days are 7,776,000 s, and a tick is 1.07 s.
            prop_assert!((1..=7_241_984).contains(&ticks), "{ticks}");
        }
    }
}
