use super::*;
use crate::tickets::node::driver::{Apache, Envoy, Exec, HaProxy, Nginx, Server};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;
use tempfile::TempDir;

/// A folder with a certificate and its key.
struct Identity(TempDir);

impl Identity {
    fn make() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let made = rcgen::generate_simple_self_signed(["web-1".to_owned()]).expect("a certificate");
        let write = |name: &str, text: String, mode| {
            let path = folder.path().join(name);
            fs::write(&path, text).expect("room");
            fs::set_permissions(&path, Permissions::from_mode(mode)).expect("it is ours");
        };
        write("node.pem", made.cert.pem(), 0o644);
        write("node.key", made.signing_key.serialize_pem(), 0o600);
        write("open.key", made.signing_key.serialize_pem(), 0o644);
        Self(folder)
    }

    /// The file with this text, where `@` is the folder.
    fn load(&self, text: &str) -> Result<Config, String> {
        let path = self.0.path().join("tickets.toml");
        let folder = self.0.path().to_string_lossy();
        fs::write(&path, text.replace('@', &folder)).expect("room");
        Config::load(&path).map_err(|error| error.to_string().replace(&*folder, "@").replace("@/tickets.toml:", ""))
    }

    /// What is wrong with this text behind a good beginning of six lines.
    fn mistakes(&self, rings: &str) -> String {
        self.load(&format!("{GOOD}{rings}")).err().unwrap_or_default()
    }
}

const GOOD: &str = r#"agents = ["https://10.0.0.2:9444", "https://[2001:db8::3]:9444"]
certificate = "@/node.pem"
key = "@/node.key"
ca = "@/node.pem"

"#;

#[test]
fn every_driver_has_its_keys_and_what_is_not_said_has_a_default() {
    let rings = r#"
[[ring]]
name = "shop"
driver = "nginx"
folder = "/run/keys/shop"
[[ring]]
name = "mail"
driver = "haproxy"
folder = "/run/keys/mail"
socket = "/run/h.sock"
timeout = "30s"
[[ring]]
name = "old"
driver = "apache"
folder = "/run/keys/old"
[[ring]]
name = "mesh"
driver = "envoy"
folder = "/run/keys/mesh"
[[ring]]
name = "own"
driver = "exec"
folder = "/run/keys/own"
command = ["/usr/local/bin/reload", "--keys"]
"#;
    let config = Identity::make().load(&format!("{GOOD}{rings}")).expect("it is right");
    assert_eq!(config.agents, ["https://10.0.0.2:9444/", "https://[2001:db8::3]:9444/"]);
    assert_eq!((config.certificates.len(), config.ca.len()), (1, 1));
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let servers = [
        Server::Nginx(Nginx { test: words(&["/usr/sbin/nginx", "-t"]), pid_file: "/run/nginx.pid".into() }),
        Server::HaProxy(HaProxy { socket: "/run/h.sock".into() }),
        Server::Apache(Apache {
            command: words(&["/usr/sbin/apachectl", "-k", "graceful"]),
            pid_file: "/run/apache2/apache2.pid".into(),
        }),
        Server::Envoy(Envoy { secret: "mesh".to_owned() }),
        Server::Exec(Exec {
            command: words(&["/usr/local/bin/reload", "--keys"]),
            ring: RingName::try_from("own".to_owned()).expect("a name"),
        }),
    ];
    let timeouts = [10, 30, 10, 10, 10].map(Duration::from_secs);
    let expected: Vec<_> =
        servers.into_iter().zip(timeouts).map(|(server, timeout)| Driver { server, timeout }).collect();
    assert_eq!(config.rings.into_iter().map(|ring| ring.driver).collect::<Vec<_>>(), expected);
}

#[test]
fn mistakes_in_rings_are_reported_together() {
    let rings = r#"[[ring]]
name = "shop"
driver = "nginx"
folder = "keys"
socket = "/run/h.sock"
[[ring]]
name = "shop"
driver = "exec"
folder = "/run/keys"
timeout = "0s"
[[ring]]
name = "a/b"
driver = "iis"
folder = "/run/keys"
[[ring]]
name = "mesh"
driver = "envoy"
folder = "/run/mesh"
secret = "a\"b"
[[ring]]
name = "old"
driver = "apache"
folder = "/run/old"
command = ["apachectl"]
"#;
    let expected = r#"9: ring "shop": folder "keys" is not an absolute path, as /run/handoff-tickets/shop
10: ring "shop": socket is for driver = "haproxy": remove it
12: ring "shop" is already in line 7: give each ring one table
13: ring "shop": command is missing: name the program, as ["/usr/local/bin/reload-keys"]
15: ring "shop": timeout "0s" is out of range: use 1s to 90days
17: "a/b" is no name of a ring: use 1 to 63 letters, digits, '-', '_' and '.', and no '.' in front
18: ring "a/b": driver "iis" is not known: use "nginx" or "haproxy" or "apache" or "envoy" or "exec"
19: ring "a/b": folder is already that of the ring in line 14: use another
24: ring "mesh": secret "a\"b": a name has 1 to 63 letters, digits, '-', '_' or '.'
29: ring "old": command must begin with the absolute path of a program, as ["/usr/sbin/apachectl", "-k", "graceful"]"#;
    assert_eq!(Identity::make().mistakes(rings), expected);
}

#[test]
fn mistakes_in_the_shape_name_the_ring() {
    let identity = Identity::make();
    let ring = "[[ring]]\nname = \"shop\"\ndriver = \"nginx\"\nfolder = \"/run/keys\"\n";
    assert_eq!(
        identity.mistakes(&format!("{ring}test = \"nginx -t\"\n")),
        "10: ring \"shop\": test must be an array of words, as [\"/usr/sbin/nginx\", \"-t\"]"
    );
    let unknown = identity.mistakes(&format!("{ring}pidfile = \"/run/nginx.pid\"\n"));
    assert!(unknown.starts_with("10: ring \"shop\": unknown field `pidfile`: did you mean `pid-file`?"), "{unknown}");
    assert_eq!(identity.mistakes(""), "1: missing field `ring`");
}

#[test]
fn the_key_is_for_its_owner_and_agents_are_asked_over_tls() {
    let identity = Identity::make();
    let text = GOOD.replace("node.key", "open.key").replace("https://10.0.0.2:9444", "http://10.0.0.2:9444");
    let expected = "1: agents: \"http://10.0.0.2:9444\" is not of the form https://HOST:PORT, as https://10.0.0.2:9444\n\
        3: key \"@/open.key\" has mode 0644, which lets others at the key: `chmod 600 @/open.key`\n\
        6: ring is empty: name a ring in a table [[ring]]";
    assert_eq!(identity.load(&format!("{text}ring = []\n")).expect_err("three mistakes"), expected);
}
