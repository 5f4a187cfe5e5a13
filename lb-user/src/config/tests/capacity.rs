//! Maps that all services share have room for so much.

use super::{parse, report};
use crate::config::Config;
use std::fmt::Write;
use std::fs;
use std::path::Path;

/// So many services of two back-ends. The agent has 2 lines; a service has 6, its port in the third and `keys` in the last one.
fn services(count: usize, port: &str, keys: impl Fn(usize) -> String) -> String {
    let mut text = "[agent]\ninterfaces = [\"eth0\"]\n".to_owned();
    for index in 0..count {
        let (high, low, keys) = (index >> 8, index & 0xff, keys(index));
        write!(
            text,
            "[[service]]\nname = \"s{index}\"\nport = {port}\nvip = \"198.18.{high}.{low}\"\n\
             backends = [{{ name = \"a\", address = \"10.0.0.1\" }}, {{ name = \"b\", address = \"10.0.0.2\" }}]\n{keys}\n"
        )
        .expect("a string takes everything");
    }
    text
}

/// The line of the service `index`.
fn line(index: usize) -> usize {
    3 + 6 * index
}

#[test]
fn port_ranges_are_counted_in_prefixes() {
    // 546 times 30 is 16,380.
    let ranges = |count| services(count, "\"1-65534\"", |_| String::new());
    assert!(parse(&ranges(546)).is_ok());
    assert_eq!(
        report(&ranges(1_024)),
        format!(
            "handoff.toml:{}: service \"s546\": port 1-65534 is one range too many: it makes 30 prefixes, and 16384 are possible \
             in all services; use \"all\", or ranges that begin and end at powers of two, as \"8192-16383\"",
            line(546) + 2
        )
    );
    assert!(parse(&services(1_024, "\"all\"", |_| String::new())).is_ok());
}

#[test]
fn rings_are_counted_with_the_room_that_each_takes() {
    // 65,537 positions take 2,049 chunks of 32, the 1,021 of the consistent ring another 32.
    let maglev = |count| services(count, "80", |_| "scheduler = \"maglev\"".to_owned());
    assert!(parse(&maglev(31)).is_ok());
    assert_eq!(
        report(&maglev(40)),
        format!(
            "handoff.toml:{}: service \"s31\": its rings are too long: they take 66592 positions with maglev, and 2097152 are \
             possible in all services; use another scheduler than maglev, smaller weights or fewer back-ends",
            line(31) + 5
        )
    );
    assert!(parse(&services(1_024, "80", |_| "scheduler = \"least-connections\"".to_owned())).is_ok());
}

#[test]
fn quic_configurations_are_counted() {
    let config = |codepoint| {
        format!("{{ codepoint = {codepoint}, server-id-length = 1, nonce-length = 4, servers = {{ a = \"01\" }} }}")
    };
    let keys = format!("protocol = \"udp\"\nquic = [{}]", [0, 1, 2, 3, 4, 5, 6].map(config).join(", "));
    let seven = |count| services(count, "443", |_| keys.clone());
    assert!(parse(&seven(146)).is_ok());
    // A service has 7 lines here.
    assert_eq!(
        report(&seven(200)),
        format!(
            "handoff.toml:{}: service \"s146\": quic: this configuration is one too many: 1024 are possible in all services; \
             remove those whose connections have ended",
            3 + 7 * 146 + 6
        )
    );
}

#[test]
fn prefixes_of_different_access_lists_are_counted() {
    let folder = tempfile::tempdir().expect("a folder");
    let list = |name: &str, first: u32, prefixes: u32| {
        let mut text = String::new();
        for index in first..first + prefixes {
            writeln!(text, "10.{}.{}.{}", index >> 16, index >> 8 & 0xff, index & 0xff)
                .expect("a string takes everything");
        }
        let path = folder.path().join(name);
        fs::write(&path, text).expect("a file");
        format!("deny-file = {path:?}")
    };
    let (half, other) = (list("half", 0, 1 << 18), list("other", 1 << 18, 1 << 18));
    let text = |last: &str| {
        let keys = [&half, &half, &other, &other, last].map(ToString::to_string);
        services(5, "80", |index| keys[index].clone())
    };
    let load = |text: &str| Config::parse(Path::new("handoff.toml"), text);
    assert!(load(&text("")).is_ok());
    assert_eq!(
        load(&text("deny = [\"10.0.0.0/8\"]")).expect_err("a prefix too many").to_string(),
        format!(
            "handoff.toml:{}: service \"s4\": this access list is too long: it has 1 prefixes, and 524288 are possible in all \
             different lists together; join prefixes, or give several services the same list, which counts once",
            line(4) + 5
        )
    );
}
