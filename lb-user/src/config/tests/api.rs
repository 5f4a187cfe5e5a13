//! `[api]`: certificates and keys, which are made for the test.

use crate::config::Config;
use rcgen::{CertificateParams, KeyPair};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use tempfile::TempDir;

/// A folder with a certificate, its key, and the key of another one.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let params = CertificateParams::new(vec!["balancer.example.org".to_owned()]).unwrap();
    let key = KeyPair::generate().unwrap();
    let write = |name: &str, text: String, mode: u32| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    };
    write("cert.pem", params.self_signed(&key).unwrap().pem(), 0o644);
    write("key.pem", key.serialize_pem(), 0o600);
    write("open.pem", key.serialize_pem(), 0o640);
    write("other.pem", KeyPair::generate().unwrap().serialize_pem(), 0o600);
    folder
}

/// The configuration whose table `[api]` has these lines; `DIR` stands for the folder.
fn parse(folder: &Path, api: &str) -> Result<Config, String> {
    let api = api.replace("DIR", &folder.to_string_lossy());
    let text = format!("[agent]\ninterfaces = [\"eth0\"]\n[api]\n{api}\n");
    Config::parse(Path::new("handoff.toml"), &text).map_err(|error| error.to_string())
}

const GOOD: &str = "listen = \"[::1]:9443\"\ncertificate = \"DIR/cert.pem\"\nkey = \"DIR/key.pem\"\nclient-ca = \"DIR/cert.pem\"\nadmins = [\"ops.example.org\"]";

#[test]
fn a_good_one_is_taken_and_shows_no_key() {
    let folder = folder();
    let config = parse(folder.path(), GOOD).unwrap();
    let api = config.api.as_ref().unwrap();
    assert_eq!(api.listen, "[::1]:9443".parse().unwrap());
    assert_eq!(api.admins.iter().collect::<Vec<_>>(), ["ops.example.org"]);
    assert_eq!(config, parse(folder.path(), GOOD).unwrap());
    let shown = format!("{config:?}");
    let key = fs::read_to_string(folder.path().join("key.pem")).unwrap();
    let secret: Vec<String> = api.identity.key.secret_der()[40..60].iter().map(ToString::to_string).collect();
    assert!(!shown.contains(key.lines().nth(1).unwrap()) && !shown.contains(&secret.join(", ")), "{shown}");
}

#[test]
fn each_mistake_is_reported_with_its_remedy() {
    let folder = folder();
    for (good, bad, expected) in [
        (
            "[::1]:9443",
            "9443",
            "4: api: listen \"9443\" is not an address with a port, as 10.0.0.1:9443 or [2001:db8::1]:9443",
        ),
        (
            "[::1]:9443",
            "10.0.0.1:0",
            "4: api: listen \"10.0.0.1:0\" is not an address with a port, as 10.0.0.1:9443 or [2001:db8::1]:9443",
        ),
        (
            "certificate = \"DIR/cert.pem\"",
            "certificate = \"DIR/key.pem\"",
            "5: api: certificate \"DIR/key.pem\" has no certificates in PEM, or damaged ones",
        ),
        (
            "certificate = \"DIR/cert.pem\"",
            "certificate = \"DIR/none.pem\"",
            "5: api: certificate \"DIR/none.pem\" cannot be read: No such file or directory (os error 2); name a file that the agent may read",
        ),
        (
            "key.pem",
            "cert.pem",
            "6: api: key \"DIR/cert.pem\" has mode 0644, which lets others at the key: `chmod 600 DIR/cert.pem`",
        ),
        (
            "key.pem",
            "open.pem",
            "6: api: key \"DIR/open.pem\" has mode 0640, which lets others at the key: `chmod 600 DIR/open.pem`",
        ),
        (
            "key.pem",
            "other.pem",
            "3: api: certificate and key do not belong together: keys may not be consistent: KeyMismatch: give the files of one certificate",
        ),
        (
            "[\"ops.example.org\"]",
            "[\"\"]",
            "8: api: admins has an empty name: name a DNS name or URI of a certificate",
        ),
        (
            "[\"ops.example.org\"]",
            "\"ops.example.org\"",
            "8: api: admins must be an array of names, as [\"ops.example.org\"]",
        ),
        (
            "admins",
            "admin",
            "8: api: unknown field `admin`: did you mean `admins`? Expected one of `listen`, `certificate`, `key`, `client-ca`, `admins`",
        ),
    ] {
        let reported = parse(folder.path(), &GOOD.replacen(good, bad, 1)).unwrap_err();
        let expected = format!("handoff.toml:{}", expected.replace("DIR", &folder.path().to_string_lossy()));
        assert_eq!(reported, expected);
    }
}
