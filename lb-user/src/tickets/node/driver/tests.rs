use super::*;
use crate::tickets::{BootTime, Key, RingName, Slot, Version};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use std::fs;
use std::time::Instant;

/// A ring of keys whose bytes count up from 1, 101 and 151.
fn ring() -> Ring {
    let slot = |first: u8| {
        let bytes: Vec<u8> = (first..first + 80).collect();
        Slot { key: Key::from_bytes(&bytes).expect("a key"), created: BootTime::now() }
    };
    let version = Version { term: 3, epoch: 7 };
    Ring { version, shifted: BootTime::now(), old: slot(1), active: slot(101), next: slot(151) }
}

fn driver(server: Server) -> Driver {
    Driver { server, timeout: Duration::from_secs(10) }
}

fn exec(script: &str) -> Driver {
    let command = ["/bin/sh", "-c", script].map(str::to_owned).to_vec();
    driver(Server::Exec(Exec { command, ring: RingName::try_from("shop".to_owned()).expect("a name") }))
}

fn contents(driver: &Driver) -> Vec<(&'static str, Vec<u8>)> {
    driver.files(&ring()).into_iter().map(|file| (file.name, file.content.to_vec())).collect()
}

fn counting(first: u8, count: u8) -> Vec<u8> {
    (first..first + count).collect()
}

#[test]
fn nginx_and_programs_have_one_whole_key_a_file() {
    let files = ["old.key", "active.key", "next.key"].into_iter().zip([1, 101, 151].map(|first| counting(first, 80)));
    let files: Vec<_> = files.collect();
    assert_eq!(contents(&exec("true")), files);
    let nginx = Nginx { test: vec![], pid_file: "/run/nginx.pid".into() };
    assert_eq!(contents(&driver(Server::Nginx(nginx))), files);
}

#[test]
fn haproxy_has_the_cipher_key_first_and_the_active_key_in_the_middle() {
    let [(name, content)] = &contents(&driver(Server::HaProxy(HaProxy { socket: "/run/s".into() })))[..] else {
        panic!("one file")
    };
    let line = |first: u8| {
        let parts = [counting(first, 16), counting(first + 48, 32), counting(first + 16, 32)];
        BASE64_STANDARD.encode(parts.concat()) + "\n"
    };
    assert_eq!(*name, "haproxy.keys");
    assert_eq!(String::from_utf8_lossy(content), line(1) + &line(101) + &line(151));
}

#[test]
fn apache_has_half_of_the_active_key() {
    let files = contents(&driver(Server::Apache(Apache { command: vec![], pid_file: "/run/apache2.pid".into() })));
    let half = [counting(101, 16), counting(117, 16), counting(149, 16)].concat();
    assert_eq!(files, [("apache.key", half)]);
}

#[test]
fn envoy_has_the_active_key_first() {
    let driver = driver(Server::Envoy(Envoy { secret: "stek".to_owned() }));
    let [file] = &driver.files(&ring())[..] else { panic!("one file") };
    assert_eq!((file.name, file.content.len()), ("sds.json", file.content.capacity()));
    let json: serde_json::Value = serde_json::from_slice(&file.content).expect("JSON");
    let secret = &json["resources"][0];
    assert_eq!(secret["@type"], "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret");
    assert_eq!(secret["name"], "stek");
    let keys = secret["session_ticket_keys"]["keys"].as_array().expect("keys");
    let keys: Vec<_> = keys
        .iter()
        .map(|key| BASE64_STANDARD.decode(key["inline_bytes"].as_str().expect("text")).expect("base64"))
        .collect();
    assert_eq!(keys, [101, 151, 1].map(|first| counting(first, 80)));
}

#[tokio::test]
async fn a_program_knows_which_ring_it_is_and_where_the_keys_are() {
    let place = tempfile::tempdir_in("/dev/shm").expect("/dev/shm is a tmpfs");
    let folder = Folder::open(place.path()).expect("a folder");
    let driver = exec(
        "cd $HANDOFF_FOLDER; { env | grep -v '^PWD=\\|^OLDPWD=\\|^SHLVL=\\|^_='; } | sort | tr '\\n' ' ' > said; cat active.key >> said",
    );
    driver.write(&folder, &ring()).expect("room");
    driver.apply(&folder, &ring()).await.expect("it succeeds");
    let said = fs::read(place.path().join("said")).expect("it was run");
    let variables = format!(
        "HANDOFF_EPOCH=7 HANDOFF_FOLDER={} HANDOFF_RING=shop HANDOFF_TERM=3 PATH={} ",
        place.path().display(),
        program::PATH
    );
    assert_eq!(said, [variables.as_bytes(), &counting(101, 80)].concat());
}

#[tokio::test]
async fn a_program_that_fails_or_hangs_is_told_of() {
    let place = tempfile::tempdir_in("/dev/shm").expect("/dev/shm is a tmpfs");
    let folder = Folder::open(place.path()).expect("a folder");
    let told = async |driver: &Driver| driver.apply(&folder, &ring()).await.expect_err("it fails").to_string();
    let failed = told(&exec("echo no such server >&2; echo more; exit 3")).await;
    assert!(failed.ends_with("failed with exit status: 3: no such server / more"), "{failed}");
    let began = Instant::now();
    let slow = Driver { timeout: Duration::from_millis(200), ..exec("sleep 60 & wait") };
    assert_eq!(
        told(&slow).await,
        "exec was not done within 200ms: see what it logs, or give it more time with `timeout`"
    );
    assert!(began.elapsed() < Duration::from_secs(30));
}

#[tokio::test]
async fn servers_that_are_not_there_are_told_of() {
    let place = tempfile::tempdir_in("/dev/shm").expect("/dev/shm is a tmpfs");
    let folder = Folder::open(place.path()).expect("a folder");
    let told = async |server| driver(server).apply(&folder, &ring()).await.expect_err("there is none").to_string();
    let haproxy = told(Server::HaProxy(HaProxy { socket: "/nowhere/admin.sock".into() })).await;
    assert!(haproxy.starts_with("/nowhere/admin.sock: HAProxy does not answer: No such file"), "{haproxy}");
    let nginx =
        |test: &str, pid_file: &str| Nginx { test: vec![test.to_owned()], pid_file: place.path().join(pid_file) };
    let missing = told(Server::Nginx(nginx("/bin/true", "nginx.pid"))).await;
    assert!(missing.contains("nginx.pid: No such file"), "{missing}");
    // Somebody else has the number by now.
    fs::write(place.path().join("stale.pid"), std::process::id().to_string()).expect("room");
    let stale = told(Server::Nginx(nginx("/bin/true", "stale.pid"))).await;
    assert!(stale.contains("is another one; is nginx running"), "{stale}");
    let apache = Apache { command: vec!["/bin/true".to_owned()], pid_file: place.path().join("stale.pid") };
    let apache = told(Server::Apache(apache)).await;
    assert!(apache.contains("is another one; is Apache running"), "{apache}");
    let ring = RingName::try_from("shop".to_owned()).expect("a name");
    let program = told(Server::Exec(Exec { command: vec!["/nowhere/reload".to_owned()], ring })).await;
    assert!(program.starts_with("`/nowhere/reload` cannot be run: No such file"), "{program}");
}
