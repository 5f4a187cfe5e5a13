use super::files::Secret;
use super::*;
use lb_common::abi::{Address, ServiceKey, ServiceKind, Timeouts};
use lb_common::wire::{Be16, Mac};
use nix::errno::Errno;
use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;
use zeroize::Zeroizing;

mod announce;
mod api;
mod capacity;
mod damage;
mod dashboard;
mod health;
mod limits;
mod mistakes;
mod on_disk;
mod tickets;

/// Every key but those of health checks ([`health::HEALTH`]), with a value that is not the default where there is another.
const FULL: &str = include_str!("tests/full.toml");

/// What configurations may name besides [`FULL`]: paths, modes, texts.
const FILES: [(&str, u32, &str); 13] = [
    ("/etc/handoff/deny.txt", 0o644, "198.51.100.66\n"),
    ("/etc/handoff/quic.key", 0o600, "000102030405060708090a0b0c0d0e0f\n"),
    (
        "/lists/allow.txt",
        0o644,
        "# partners\r\n198.51.100.0/24\r\n\r\n  203.0.113.9  # the office\r\n10.0.0.0/8\n2001:db8::/32",
    ),
    ("/lists/deny.txt", 0o644, "2001:db8:bad::/48\n10.6.6.0/24\n"),
    ("/lists/empty.txt", 0o644, "# nobody\n\n"),
    ("/lists/mistakes.txt", 0o644, "# one a line\n10.0.0.0/8 10.1.0.0/16\n\n10.0.0.1/8 # a host\nevil.example\n"),
    ("/lists/overlap.txt", 0o644, "198.51.100.0/24\n"),
    ("/tls/ca.pem", 0o644, include_str!("tests/ca.pem")),
    ("/tls/garbage.pem", 0o644, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
    ("/keys/good", 0o600, " 000102030405060708090A0b0c0d0e0f\r\n"),
    ("/keys/open", 0o640, "000102030405060708090a0b0c0d0e0f\n"),
    ("/keys/short", 0o400, "000102030405060708090a0b0c0d0e\n"),
    ("/keys/words", 0o600, "000102030405060708090a0b0c0d0e0f secret\n"),
];

/// [`FILES`], and no others.
struct Given;

impl Given {
    fn file(path: &Path) -> io::Result<(u32, &'static str)> {
        let file = FILES.iter().find(|(of, ..)| path == Path::new(of));
        file.map(|&(_, mode, text)| (mode, text)).ok_or(Errno::ENOENT.into())
    }
}

impl Files for Given {
    fn text(&self, path: &Path) -> io::Result<String> {
        Self::file(path).map(|(_, text)| text.to_owned())
    }

    fn secret(&self, path: &Path) -> io::Result<Secret> {
        Self::file(path).map(|(mode, text)| Secret { mode, text: Zeroizing::new(text.to_owned()) })
    }
}

fn parse(text: &str) -> Result<Config, Error> {
    super::parse(Path::new("handoff.toml"), text, &Given)
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
    changed_in(FULL, from, to)
}

/// A file with its one `from` changed to `to`.
fn changed_in(file: &str, from: &str, to: &str) -> String {
    assert_eq!(file.matches(from).count(), 1, "{from}");
    file.replace(from, to)
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn prefix(text: &str) -> Prefix {
    text.parse().unwrap()
}

fn service(name: &str, vip: &str, ports: Ports) -> Service {
    Service {
        name: name.to_owned(),
        vip: ip(vip),
        ports,
        protocol: Protocol::Tcp,
        scheduler: Scheduler::RoundRobin,
        forwarding: Forwarding::L2Dsr,
        idle_timeout: None,
        one_packet: false,
        affinity: None,
        access: Access::default(),
        limits: Limits::DEFAULT,
        quic: Vec::new(),
        health: None,
        slow_start: None,
        all_down: AllDown::Open,
        min_ready: 1,
        is_announced: true,
        backends: Vec::new(),
    }
}

fn backend(name: &str, address: &str) -> Backend {
    Backend { name: name.to_owned(), address: ip(address), weight: 1, vlans: None, next_hop: None }
}

fn video() -> Service {
    let tunnel = Tunnel { source_v4: Some(prefix("172.16.0.0/16")), source_v6: Some(prefix("2001:db8:1::/64")) };
    let allowed =
        ["10.0.0.0/8", "198.51.100.0/24", "203.0.113.9/32", "2001:db8::/32"].map(|of| (prefix(of), Action::Allow));
    let denied = ["10.6.6.0/24", "2001:db8:bad::/48"].map(|of| (prefix(of), Action::Deny));
    let quic = |codepoint, server_id_len, nonce_len, key, servers: &[(&str, &[u8])]| Quic {
        codepoint,
        server_id_len,
        nonce_len,
        key,
        servers: servers.iter().map(|&(name, id)| (name.to_owned(), id.to_owned())).collect(),
    };
    let key = QuicKey::from_hex("000102030405060708090a0b0c0d0e0f");
    Service {
        protocol: Protocol::Udp,
        scheduler: Scheduler::Maglev,
        forwarding: Forwarding::Gue(tunnel, 6_081),
        idle_timeout: Some(Duration::from_secs(30)),
        affinity: Some(Affinity {
            window: Duration::from_secs(900),
            reset: Reset::Client,
            prefix: 24,
            prefix_v6: 56,
            max_load: Some(1.25),
        }),
        access: Access { rules: allowed.into_iter().chain(denied).collect() },
        limits: Limits {
            new_flows: Some(10_000),
            new_flows_per_source: Some(100),
            source_prefix: 28,
            source_prefix_v6: 48,
            flood_above: Some(50_000),
        },
        quic: vec![
            quic(2, 3, 4, key, &[("v1", &[10, 11, 12]), ("v2", &[10, 11, 13])]),
            quic(5, 1, 18, None, &[("v1", &[1])]),
        ],
        backends: vec![
            Backend {
                weight: 2,
                vlans: Some(vec![200, 100]),
                next_hop: Some(FixedNextHop {
                    interface: InterfaceName("eth1".to_owned()),
                    mac: Mac::new([2, 0, 0, 0, 0, 10]),
                }),
                ..backend("v1", "2001:db8:2::1")
            },
            Backend { weight: 0, vlans: Some(Vec::new()), ..backend("v2", "10.1.0.2") },
        ],
        ..service("video", "2001:db8::30", Ports::Range(8_000, 8_099))
    }
}

#[test]
fn every_key_arrives_in_the_model() {
    let expected = Config {
        interfaces: vec![InterfaceName("eth0".to_owned()), InterfaceName("bond0.100".to_owned())],
        xdp_mode: XdpMode::Native,
        control_socket: PathBuf::from("/tmp/handoff.sock"),
        pin_folder: PathBuf::from("/sys/fs/bpf/edge"),
        state_folder: PathBuf::from("/var/lib/edge"),
        watch: true,
        removal_grace: Duration::from_secs(300),
        measure_run_time: true,
        metrics: None,
        api: None,
        dashboard: None,
        tickets: None,
        analysis: Analysis { samples: 250, server_names: true, history: false },
        applications: [((Protocol::Tcp, 5432), "postgres".to_owned())].into(),
        icmp: Icmp { answer_echo: false, echo_rate: 500, too_big_rate: 200 },
        flow_table: FlowTable {
            flows: 65_536,
            clients: 4_096,
            keys: true,
            // In ticks of 1.07 s, rounded up.
            timeouts: Timeouts::new(10, 6_706, 5, 112, 559),
        },
        announce: Some(Announce {
            by: AnnounceBy::Bird {
                socket: PathBuf::from("/run/bird.ctl"),
                file: PathBuf::from("/run/handoff/vips.conf"),
                communities: vec![Community(65_000, 100)],
            },
            when: AnnounceWhen::Any,
            hold: Duration::from_secs(2),
            drain_wait: Duration::from_secs(10),
            repeat: Duration::from_secs(60),
        }),
        services: vec![
            Service {
                backends: vec![backend("web-1", "192.0.2.11"), backend("web-2", "192.0.2.12")],
                ..service("web", "192.0.2.10", Ports::One(443))
            },
            Service {
                protocol: Protocol::Udp,
                one_packet: true,
                backends: vec![backend("dns-1", "192.0.2.21")],
                ..service("dns", "192.0.2.20", Ports::One(53))
            },
            video(),
            Service {
                protocol: Protocol::Sctp,
                scheduler: Scheduler::WeightedLeastConnections,
                forwarding: Forwarding::Ipip(Tunnel { source_v4: Some(prefix("172.17.0.1/32")), source_v6: None }),
                affinity: Some(Affinity {
                    window: Duration::from_secs(90),
                    reset: Reset::Epoch,
                    prefix: 32,
                    prefix_v6: 128,
                    max_load: None,
                }),
                is_announced: false,
                backends: vec![Backend { weight: 256, ..backend("s1", "10.1.0.1") }],
                ..service("signal", "192.0.2.40", Ports::All)
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
        backends = [{ name = "web-1", address = "192.0.2.21" }]
        [[service]]
        name = "tunnel"
        vip = "192.0.2.11"
        port = 80
        forwarding = "gue"
        backends = [{ name = "far-1", address = "192.0.2.22" }]
    "#;
    let expected = Config {
        interfaces: vec![InterfaceName("eth0".to_owned())],
        xdp_mode: XdpMode::Auto,
        control_socket: PathBuf::from("/run/handoff/control.sock"),
        pin_folder: PathBuf::from("/sys/fs/bpf/handoff"),
        state_folder: PathBuf::from("/var/lib/handoff"),
        watch: false,
        removal_grace: Duration::from_secs(60),
        measure_run_time: false,
        metrics: None,
        api: None,
        dashboard: None,
        analysis: Analysis::DEFAULT,
        applications: BTreeMap::new(),
        icmp: Icmp::DEFAULT,
        flow_table: FlowTable::DEFAULT,
        announce: None,
        tickets: None,
        services: vec![
            Service { backends: vec![backend("web-1", "192.0.2.21")], ..service("web", "192.0.2.10", Ports::One(80)) },
            Service {
                forwarding: Forwarding::Gue(Tunnel::default(), 6_080),
                backends: vec![backend("far-1", "192.0.2.22")],
                ..service("tunnel", "192.0.2.11", Ports::One(80))
            },
        ],
    };
    assert_eq!(parse(text).expect("a good file"), expected);
}

#[test]
fn keys_of_flows_can_be_done_without() {
    let text = changed("clients = 4096", "keys = false");
    assert!(!parse(&text).expect("a good file").flow_table.keys);
}

#[test]
fn the_examples_of_the_documentation_are_good() {
    let documentation = include_str!("../../../docs/configuration.md");
    let examples = documentation.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next());
    let text = "[agent]\ninterfaces = [\"eth0\"]\n".to_owned() + &examples.collect::<String>();
    let names: Vec<_> = parse(&text).expect("good examples").services.into_iter().map(|service| service.name).collect();
    assert_eq!(names, ["web", "dns", "everything-else", "far", "shop", "partners", "http3"]);
}

#[test]
fn back_ends_with_a_fixed_next_hop_are_not_asked_for() {
    let addresses = parse(FULL).expect("a good file").addresses();
    let expected = ["10.1.0.1", "10.1.0.2", "192.0.2.11", "192.0.2.12", "192.0.2.21"];
    assert_eq!(addresses.into_iter().collect::<Vec<_>>(), expected.map(ip));
}

#[test]
fn keys_tell_a_port_from_the_range_that_begins_with_it() {
    let address = Address::from_v4([192, 0, 2, 10]);
    for (ports, port, kind) in [
        (Ports::One(80), 80, ServiceKind::PORT),
        (Ports::Range(80, 90), 80, ServiceKind::RANGE),
        (Ports::All, 0, ServiceKind::RANGE),
    ] {
        let key = Service { protocol: Protocol::Sctp, ..service("web", "192.0.2.10", ports) }.key();
        assert_eq!(key, ServiceKey { address, port: Be16::new(port), protocol: 132, kind }, "{ports}");
    }
}
