//! What is reported, word by word.

use super::health::HEALTH;
use super::{FULL, changed, changed_in, report};
use crate::config::Config;
use std::path::Path;

/// Changes to a good file that are mistakes, and what is reported of each, by topic.
const MISTAKES: [(&str, &str); 8] = [
    (FULL, include_str!("mistakes/shape.txt")),
    (FULL, include_str!("mistakes/agent.txt")),
    (FULL, include_str!("mistakes/analysis.txt")),
    (FULL, include_str!("mistakes/services.txt")),
    (FULL, include_str!("mistakes/backends.txt")),
    (FULL, include_str!("mistakes/defence.txt")),
    (FULL, include_str!("mistakes/quic.txt")),
    (HEALTH, include_str!("mistakes/health.txt")),
];

#[test]
fn each_mistake_is_reported_with_line_key_and_remedy() {
    for (file, topic) in MISTAKES {
        let cases: Vec<_> = topic.split("\n\n").filter(|case| !case.starts_with('#')).collect();
        assert!(!cases.is_empty());
        for case in cases {
            let marked = |mark| case.lines().filter_map(|line| line.strip_prefix(mark)).collect::<Vec<_>>().join("\n");
            let unmarked = case.lines().filter(|line| !line.starts_with("- ") && !line.starts_with("+ "));
            let expected = unmarked.collect::<Vec<_>>().join("\n");
            assert_eq!(report(&changed_in(file, &marked("- "), &marked("+ "))), expected, "{case}");
        }
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
backends = [{ name = "a", address = "2001:db8::1" }]

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
handoff.toml:2: service \"web\": port 0 cannot be: use 1 to 65535, a range as \"8000-8099\", or \"all\"
handoff.toml:4: service \"web\": back-end \"a\": address \"192.0.2.300\" is not an IP address, as 192.0.2.10 or 2001:db8::10
handoff.toml:5: service \"web\": back-end \"a\": the name is already taken in line 4
handoff.toml:5: service \"web\": back-end \"a\": 192.0.2.1 is a VIP, in line 7: give the back-end's own address, the one it has besides the VIP
handoff.toml:11: service \"web\": the name is already taken in line 8
handoff.toml:12: service \"web\": vip :: cannot be a host on the network: use a unicast address
handoff.toml:17: flow-table: flows 3 cannot be: use a power of two from 1024 to 67108864, as 1048576
handoff.toml:20: agent: removal-grace \"1\" is not a duration, as 90s, 15m or 1h
handoff.toml:23: agent: interface \"eth0\" is already in line 22: name it once";
    assert_eq!(report(text), expected);
}

#[test]
fn a_service_with_another_mistake_is_still_a_duplicate() {
    let text = changed(
        "vip = \"192.0.2.20\"\nport = 53\nprotocol = \"udp\"\none-packet = true",
        "vip = \"192.0.2.10\"\nport = 443\nforwarding = \"nat\"",
    );
    let expected = "\
handoff.toml:39: service \"dns\": 192.0.2.10:443/tcp is already a service, in line 27: give one of them another port or VIP
handoff.toml:41: service \"dns\": forwarding \"nat\" is not known: use \"l2-dsr\" or \"ipip\" or \"gue\"";
    assert_eq!(report(&text), expected);
}

#[test]
fn mistakes_of_other_files_come_last() {
    let text = changed("/lists/allow.txt", "/lists/mistakes.txt").replace("eth0", "eth/0").replace("\"s1\"", "\"s 1\"");
    let files: Vec<_> =
        report(&text).lines().map(|line| line.split(": ").next().unwrap_or_default().to_owned()).collect();
    let lists = [2, 4, 5].map(|line| format!("/lists/mistakes.txt:{line}"));
    assert_eq!(files, [&["handoff.toml:2".to_owned(), "handoff.toml:90".to_owned()], &lists[..]].concat());
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
