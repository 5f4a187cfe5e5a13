//! `[tickets]`: rings of session-ticket keys, and agents that have them in common.

use crate::config::{Config, ServerKind, TicketCluster, TicketRing, TlsIdentity};
use crate::tickets::Timing;
use rcgen::{CertificateParams, KeyPair};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;

/// A file with everything that can be said; `DIR` stands for the folder of the certificate.
const GOOD: &str = r#"[agent]
interfaces = ["eth0"]
[tickets]
listen = "10.0.0.1:9444"
certificate = "DIR/cert.pem"
key = "DIR/key.pem"
client-ca = "DIR/cert.pem"
folder = "/run/keys"
revoked-nodes = ["b"]
[tickets.cluster]
name = "lb-1"
etcd = ["https://10.0.0.9:2379", "http://[2001:db8::9]:2379"]
seal-key = "/etc/handoff/seal.key"
peers = { lb-2 = "PEER" }
prefix = "/edge/keys/"
ttl = "4s"
ca = "/etc/etcd/ca.pem"
certificate = "/etc/etcd/lb-1.pem"
key = "/etc/etcd/lb-1.key"
[[tickets.ring]]
name = "shop"
services = ["web"]
identity = "www.example.com"
server = "haproxy"
rotation = "30m"
lifetime = "20m"
guard = "2m"
min-ready = 100
probe-interval = "5m"
[[tickets.ring]]
name = "mail"
services = ["imap"]
identity = "mail.example.com"
server = "apache"
probe-interval = "0s"
[[service]]
name = "web"
vip = "192.0.2.10"
port = 443
backends = [{ name = "a", address = "192.0.2.11" }, { name = "b", address = "192.0.2.12" }]
[[service]]
name = "imap"
vip = "192.0.2.10"
port = 993
backends = [{ name = "a", address = "192.0.2.11" }]
[[service]]
name = "dns"
vip = "192.0.2.10"
port = 53
protocol = "udp"
backends = [{ name = "a", address = "192.0.2.11" }]
"#;

/// The public half of a seal key.
const PEER: &str = "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=";

/// A folder with a certificate, its key, and the same key for everybody to read.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["lb-1".to_owned()]).unwrap().self_signed(&key).unwrap();
    for (name, text, mode) in [
        ("cert.pem", certificate.pem(), 0o644),
        ("key.pem", key.serialize_pem(), 0o600),
        ("open.pem", key.serialize_pem(), 0o644),
    ] {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }
    folder
}

fn parse(folder: &Path, text: &str) -> Result<Config, String> {
    let text = text.replace("DIR", &folder.to_string_lossy()).replace("PEER", PEER);
    Config::parse(Path::new("handoff.toml"), &text).map_err(|error| error.to_string())
}

fn ring(name: &str, service: &str, identity: &'static str, server: ServerKind) -> TicketRing {
    TicketRing {
        name: name.to_owned().try_into().unwrap(),
        services: vec![service.to_owned()],
        identity: identity.try_into().unwrap(),
        server,
        timing: Timing::DEFAULT,
        min_ready: 50,
        probe_interval: Some(Duration::from_secs(30)),
    }
}

#[test]
fn every_key_arrives_in_the_model() {
    let folder = folder();
    let config = parse(folder.path(), GOOD).unwrap();
    let tickets = config.tickets.as_ref().unwrap();
    assert_eq!(tickets.listen, "10.0.0.1:9444".parse().unwrap());
    let TlsIdentity { certificates, client_ca, .. } = &tickets.identity;
    assert_eq!((certificates.len(), certificates), (1, client_ca));
    assert_eq!(tickets.folder, Path::new("/run/keys"));
    assert_eq!(tickets.revoked_nodes.iter().collect::<Vec<_>>(), ["b"]);
    let cluster = TicketCluster {
        name: "lb-1".to_owned(),
        etcd: vec!["https://10.0.0.9:2379".to_owned(), "http://[2001:db8::9]:2379".to_owned()],
        seal_key: PathBuf::from("/etc/handoff/seal.key"),
        peers: [("lb-2".to_owned(), PEER.parse().unwrap())].into(),
        prefix: "/edge/keys".to_owned(),
        ttl: Duration::from_secs(4),
        ca: Some(PathBuf::from("/etc/etcd/ca.pem")),
        identity: Some((PathBuf::from("/etc/etcd/lb-1.pem"), PathBuf::from("/etc/etcd/lb-1.key"))),
    };
    assert_eq!(tickets.cluster, Some(cluster));
    let [rotation, lifetime, guard] = [30, 20, 2].map(|minutes| Duration::from_secs(60 * minutes));
    let shop = TicketRing {
        timing: Timing::new(rotation, lifetime, guard).unwrap(),
        min_ready: 100,
        probe_interval: Some(Duration::from_secs(300)),
        ..ring("shop", "web", "www.example.com", ServerKind::Haproxy)
    };
    let mail = TicketRing { probe_interval: None, ..ring("mail", "imap", "mail.example.com", ServerKind::Apache) };
    assert_eq!(tickets.rings, [shop, mail]);
    assert!(tickets.rings[0].nodes(&config).iter().eq(["a"]), "b is revoked");
}

#[test]
fn what_is_not_said_has_a_default() {
    let folder = folder();
    let mut text = GOOD.to_owned();
    for key in ["folder", "revoked-nodes", "prefix", "ttl", "ca", "probe-interval"] {
        text = without(&text, key);
    }
    text = text.replace("certificate = \"/etc/etcd/lb-1.pem\"\nkey = \"/etc/etcd/lb-1.key\"\n", "");
    let tickets = parse(folder.path(), &text).unwrap().tickets.unwrap();
    assert_eq!((tickets.folder, tickets.revoked_nodes.len()), (PathBuf::from("/run/handoff/tickets"), 0));
    let cluster = tickets.cluster.unwrap();
    assert_eq!((cluster.prefix.as_str(), cluster.ttl), ("/handoff/tickets", Duration::from_secs(10)));
    assert_eq!((cluster.ca, cluster.identity), (None, None));
    assert_eq!(tickets.rings[1], ring("mail", "imap", "mail.example.com", ServerKind::Apache));
}

#[test]
fn short_rotations_have_short_lifetimes_and_guards() {
    let folder = folder();
    let text = without(&without(GOOD, "lifetime"), "guard").replace("30m", "60s");
    let timing = parse(folder.path(), &text).unwrap().tickets.unwrap().rings[0].timing;
    assert_eq!([timing.rotation(), timing.lifetime(), timing.guard()], [60, 60, 15].map(Duration::from_secs));
    let long = parse(folder.path(), &text.replace("60s", "30days")).unwrap().tickets.unwrap().rings[0].timing;
    assert_eq!(long.lifetime(), Timing::LONGEST_LIFETIME);
}

/// The text without the lines of this key.
fn without(text: &str, key: &str) -> String {
    text.lines().filter(|line| !line.starts_with(&format!("{key} = "))).map(|line| format!("{line}\n")).collect()
}

#[test]
fn each_mistake_is_reported_with_its_remedy() {
    let folder = folder();
    for (good, bad, expected) in MISTAKES {
        assert!(GOOD.contains(good), "{good}");
        let reported = parse(folder.path(), &GOOD.replacen(good, bad, 1)).unwrap_err();
        let expected = format!("handoff.toml:{}", expected.replace("DIR", &folder.path().to_string_lossy()));
        assert_eq!(reported, expected);
    }
}

#[test]
fn tickets_without_rings_are_a_mistake() {
    let folder = folder();
    let (before, rest) = GOOD.split_once("[[tickets.ring]]").unwrap();
    let (_, services) = rest.split_once("[[service]]").unwrap();
    let reported = parse(folder.path(), &format!("{before}[[service]]{services}")).unwrap_err();
    let expected = "handoff.toml:3: tickets: there is no ring: add a [[tickets.ring]], or leave [tickets] out";
    assert_eq!(reported, expected);
}

#[test]
fn the_example_of_the_documentation_is_good() {
    let folder = folder();
    let documentation = include_str!("../../../../docs/tickets.md");
    let (_, rest) = documentation.split_once("```toml\n").unwrap();
    let (example, _) = rest.split_once("```").unwrap();
    let mut text = "[agent]\ninterfaces = [\"eth0\"]\n".to_owned() + example;
    for (named, there) in [("agent.pem", "cert.pem"), ("agent.key", "key.pem"), ("ca.pem", "cert.pem")] {
        text = text.replace(&format!("/etc/handoff/tickets/{named}"), &format!("DIR/{there}"));
    }
    let tickets = parse(folder.path(), &text).unwrap().tickets.unwrap();
    assert_eq!(tickets.rings, [ring("shop", "web", "www.example.com", ServerKind::Nginx)]);
}

/// What is written in place of what, and what is reported of it.
const MISTAKES: &[(&str, &str, &str)] = &[
    (
        "10.0.0.1:9444",
        "9444",
        "4: tickets: listen \"9444\" is not an address with a port, as 10.0.0.1:9444 or [2001:db8::1]:9443",
    ),
    (
        "DIR/key.pem",
        "DIR/open.pem",
        "6: tickets: key \"DIR/open.pem\" has mode 0644, which lets others at the key: `chmod 600 DIR/open.pem`",
    ),
    ("/run/keys", "run/keys", "8: tickets: folder \"run/keys\" is not an absolute path, as /run/handoff/tickets"),
    ("[\"b\"]", "[\"b b\"]", "9: tickets: revoked-nodes: a name has 1 to 63 letters, digits, '-', '_' or '.'"),
    (
        "revoked-nodes",
        "revoked",
        "9: tickets: unknown field `revoked`, expected one of `listen`, `certificate`, `key`, `client-ca`, `folder`, `revoked-nodes`, `cluster`, `ring`",
    ),
    (
        "revoked-nodes = [\"b\"]",
        "revoked-nodes = \"b\"",
        "9: tickets: revoked-nodes must be an array of names, as [\"web-3\"]",
    ),
    (
        "name = \"lb-1\"",
        "name = \"\"",
        "11: tickets: cluster: name: a name has 1 to 63 letters, digits, '-', '_' or '.'",
    ),
    (
        "[\"https://10.0.0.9:2379\", \"http://[2001:db8::9]:2379\"]",
        "[]",
        "12: tickets: cluster: etcd is empty: give the URL of an etcd, as http://10.0.0.9:2379",
    ),
    (
        "https://10.0.0.9:2379",
        "10.0.0.9:2379",
        "12: tickets: cluster: etcd \"10.0.0.9:2379\" is no URL with a port, as http://10.0.0.9:2379",
    ),
    (
        "https://10.0.0.9:2379",
        "https://10.0.0.9",
        "12: tickets: cluster: etcd \"https://10.0.0.9\" is no URL with a port, as http://10.0.0.9:2379",
    ),
    (
        "/etc/handoff/seal.key",
        "seal.key",
        "13: tickets: cluster: seal-key \"seal.key\" is not an absolute path, as /etc/handoff/tickets/seal.key",
    ),
    (
        "{ lb-2 = \"PEER\" }",
        "{}",
        "14: tickets: cluster: peers is empty: name the other agents, each with what `handoff tickets seal-key` printed there",
    ),
    (
        "\"PEER\"",
        "\"AQID\"",
        "14: tickets: cluster: peers: what \"lb-2\" has is no public key, as `handoff tickets seal-key` prints it",
    ),
    ("\"4s\"", "\"2500ms\"", "16: tickets: cluster: ttl is not in whole seconds: etcd knows no others, use 10s or so"),
    ("\"4s\"", "\"1s\"", "16: tickets: cluster: ttl \"1s\" is out of range: use 2s to 90days"),
    (
        "\"/edge/keys/\"",
        "\"edge\"",
        "15: tickets: cluster: prefix \"edge\" is not an absolute path, as /handoff/tickets",
    ),
    (
        "key = \"/etc/etcd/lb-1.key\"",
        "",
        "18: tickets: cluster: certificate and key belong together: name both files, or none",
    ),
    (
        "ca = \"/etc/etcd/ca.pem\"",
        "",
        "18: tickets: cluster: certificate is shown to an etcd with TLS alone: name who signed its certificate as ca",
    ),
    (
        "ttl = ",
        "tll = ",
        "16: tickets: cluster: unknown field `tll`: did you mean `ttl`? Expected one of `name`, `etcd`, `seal-key`, `peers`, `prefix`, `ttl`, `ca`, `certificate`, `key`",
    ),
    (
        "name = \"mail\"",
        "name = \"shop\"",
        "31: tickets: ring \"shop\": there is one of this name in line 21: give each its own",
    ),
    (
        "name = \"mail\"",
        "name = \"the mail\"",
        "31: tickets: ring: \"the mail\" is no name of a ring: use 1 to 63 letters, digits, '-', '_' and '.', and no '.' in front",
    ),
    ("[\"web\"]", "[\"wbe\"]", "22: tickets: ring \"shop\": there is no service \"wbe\": name one of this file"),
    (
        "[\"web\"]",
        "[\"dns\"]",
        "22: tickets: ring \"shop\": service \"dns\" is not one port of TCP: tickets are for sessions over TCP",
    ),
    (
        "[\"web\"]",
        "[\"web\", \"web\"]",
        "22: tickets: ring \"shop\": service \"web\" is already in line 22: name it once",
    ),
    ("[\"web\"]", "[]", "22: tickets: ring \"shop\": services is empty: name those whose back-ends share the keys"),
    ("[\"web\"]", "\"web\"", "22: tickets: ring: services must be an array of names, as [\"web\"]"),
    (
        "\"www.example.com\"",
        "\"https://www.example.com\"",
        "23: tickets: ring \"shop\": identity \"https://www.example.com\" is not the name of a host, as \"www.example.com\"",
    ),
    (
        "\"haproxy\"",
        "\"iis\"",
        "24: tickets: ring \"shop\": server \"iis\" is not known: use \"nginx\" or \"haproxy\" or \"apache\" or \"envoy\" or \"rustls\" or \"exec\"",
    ),
    (
        "\"30m\"",
        "\"500ms\"",
        "25: tickets: ring \"shop\": the rotation period is below one second: use 1s or more, as 1h",
    ),
    (
        "\"20m\"",
        "\"31m\"",
        "26: tickets: ring \"shop\": the tickets' lifetime is longer than the rotation period: the key would be gone before its last tickets: use a shorter lifetime, or a longer rotation",
    ),
    (
        "\"20m\"",
        "\"0s\"",
        "26: tickets: ring \"shop\": the tickets' lifetime is below one second: use 1s or more, or leave it out",
    ),
    (
        "\"20m\"",
        "\"8days\"",
        "26: tickets: ring \"shop\": the tickets' lifetime is longer than seven days, which TLS 1.3 does not allow: use 7days or less",
    ),
    (
        "\"2m\"",
        "\"30m\"",
        "27: tickets: ring \"shop\": the guard is not shorter than the rotation period: a key could not be activated in time: use a shorter guard, or a longer rotation",
    ),
    ("min-ready = 100", "min-ready = 101", "28: tickets: ring \"shop\": min-ready 101 cannot be: use 0 to 100"),
    ("min-ready = 100", "min-ready = \"all\"", "28: tickets: ring: min-ready must be a whole number, as 50"),
    (
        "\"5m\"",
        "\"often\"",
        "29: tickets: ring \"shop\": probe-interval \"often\" is not a duration, as 90s, 15m or 1h",
    ),
    (
        "rotation",
        "rotate",
        "25: tickets: ring: unknown field `rotate`: did you mean `rotation`? Expected one of `name`, `services`, `identity`, `server`, `rotation`, `lifetime`, `guard`, `min-ready`, `probe-interval`",
    ),
    ("identity = \"www.example.com\"\n", "", "20: tickets: ring: missing field `identity`"),
];
