//! Files as they are on a disk.

use crate::config::{Config, Error, Prefix};
use nix::sys::stat::Mode;
use std::fmt::Write;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const DIGITS: &str = "f00d0102030405060708090a0b0c0dcafe";

/// A configuration whose service has these keys besides the necessary ones.
fn parse(keys: &str) -> Result<Config, Error> {
    let text = format!(
        "[agent]\ninterfaces = [\"eth0\"]\n[[service]]\nname = \"s\"\nvip = \"192.0.2.1\"\nport = 1\nprotocol = \"udp\"\n\
         backends = [{{ name = \"b\", address = \"192.0.2.2\" }}]\n{keys}"
    );
    Config::parse(Path::new("handoff.toml"), &text)
}

fn file(folder: &TempDir, text: &str) -> PathBuf {
    let path = folder.path().join("file");
    fs::write(&path, text).unwrap();
    path
}

fn with_denied(path: &Path) -> Result<Config, Error> {
    parse(&format!("deny-file = {path:?}\n"))
}

fn with_key(path: &Path) -> Result<Config, Error> {
    parse(&format!(
        "[[service.quic]]\ncodepoint = 0\nserver-id-length = 1\nnonce-length = 4\nservers = {{ b = \"01\" }}\nkey-file = {path:?}\n"
    ))
}

fn message(parsed: Result<Config, Error>) -> String {
    parsed.expect_err("a mistake").to_string()
}

#[test]
fn a_list_of_a_hundred_thousand_prefixes_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let mut text = String::new();
    for index in 0..50_000 {
        writeln!(text, "10.{}.{}.0/24\r", index >> 8, index & 0xff).unwrap();
        writeln!(text, "2001:db8:{index:x}::/48").unwrap();
    }
    let config = with_denied(&file(&folder, &text)).expect("a good list");
    let rules = &config.services[0].access.rules;
    assert_eq!(rules.len(), 100_000);
    assert!(rules.contains_key(&"10.195.79.0/24".parse::<Prefix>().unwrap()));
    assert!(rules.contains_key(&"2001:db8:c34f::/48".parse::<Prefix>().unwrap()));
}

#[test]
fn the_first_ten_mistakes_of_a_list_are_reported() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder, &"10.0.0.1/8\n".repeat(50_000));
    let report = message(with_denied(&path));
    let lines: Vec<_> = report.lines().collect();
    assert_eq!(lines.len(), 11);
    let path = path.display();
    assert_eq!(lines[9], format!("{path}:10: \"10.0.0.1/8\" has bits set behind its length: use 10.0.0.0/8"));
    assert_eq!(lines[10], format!("{path}:11: there are more mistakes from here on"));
}

#[test]
fn bytes_that_are_no_text_are_a_mistake_in_their_line_unless_in_a_comment() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("latin-1");
    fs::write(&path, b"10.0.0.0/8 # caf\xe9\n\xe9\n").unwrap();
    let expected = format!("{}:2: \"\u{fffd}\" is not a prefix, as 10.0.0.0/8 or 2001:db8::/32", path.display());
    assert_eq!(message(with_denied(&path)), expected);
}

#[test]
fn only_regular_files_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    nix::unistd::mkfifo(&pipe, Mode::S_IRUSR).unwrap();
    for path in [pipe.as_path(), folder.path(), Path::new("/dev/zero")] {
        let expected =
            format!("{path:?} cannot be read: it is not a regular file; name a file that the agent may read");
        assert_eq!(message(with_denied(path)), format!("handoff.toml:9: service \"s\": deny-file {expected}"));
        assert_eq!(message(with_key(path)), format!("handoff.toml:14: service \"s\": quic: key-file {expected}"));
    }
}

#[test]
fn a_key_that_others_may_read_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder, &DIGITS[..32]);
    for (mode, refused) in [(0o600, false), (0o400, false), (0o640, true), (0o604, true), (0o620, true)] {
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        assert_eq!(with_key(&path).is_err(), refused, "{mode:o}");
    }
}

#[test]
fn no_report_and_no_debug_output_shows_a_key() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder, &DIGITS[..32]);
    fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
    let open = message(with_key(&path));
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    let config = with_key(&path).expect("a good key");
    assert_eq!(config.services[0].quic[0].key.as_ref().map(|key| key.bytes()[..3].to_vec()), Some(vec![0xf0, 0x0d, 1]));
    let shown = format!("{config:?}");
    fs::write(&path, DIGITS).unwrap();
    let long = message(with_key(&path));
    for text in [open, shown, long] {
        // As digits, or as the numbers of a byte array.
        assert!(!text.contains("f00d") && !text.contains("240, 13"), "{text}");
    }
}

#[test]
fn keys_are_compared() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder, &DIGITS[..32]);
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    let before = with_key(&path).expect("a good key");
    assert_eq!(before, with_key(&path).expect("a good key"));
    fs::write(&path, &DIGITS[2..34]).unwrap();
    assert_ne!(before, with_key(&path).expect("a good key"));
}
