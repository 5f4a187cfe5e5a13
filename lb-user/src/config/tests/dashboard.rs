//! `[dashboard]`: certificates and keys, which are made for the test.

use crate::config::{Config, Dashboard};
use rcgen::{CertificateParams, KeyPair};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use tempfile::TempDir;

/// A folder with a certificate and its key.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["lb.example.org".to_owned()]).unwrap().self_signed(&key).unwrap();
    fs::write(folder.path().join("cert.pem"), certificate.pem()).unwrap();
    fs::write(folder.path().join("key.pem"), key.serialize_pem()).unwrap();
    fs::set_permissions(folder.path().join("key.pem"), Permissions::from_mode(0o600)).unwrap();
    folder
}

/// The dashboard of a table with these lines; `DIR` stands for the folder.
fn parse(folder: &Path, lines: &str) -> Result<Dashboard, String> {
    let lines = lines.replace("DIR", &folder.to_string_lossy());
    let text = format!("[agent]\ninterfaces = [\"eth0\"]\nstate-folder = \"/var/lib/edge\"\n[dashboard]\n{lines}\n");
    let config = Config::parse(Path::new("handoff.toml"), &text).map_err(|error| error.to_string())?;
    config.dashboard.ok_or_else(|| "there is none".to_owned())
}

#[test]
fn an_empty_table_is_for_this_machine() {
    let dashboard = parse(Path::new("/"), "").unwrap();
    assert_eq!((dashboard.listen, dashboard.identity), ("127.0.0.1:9680".parse().unwrap(), None));
    assert_eq!(dashboard.token_file, Path::new("/var/lib/edge/dashboard-token"));
    let named = parse(Path::new("/"), "listen = \"[::1]:80\"\ntoken-file = \"/etc/token\"").unwrap();
    assert_eq!((named.listen, named.token_file.as_path()), ("[::1]:80".parse().unwrap(), Path::new("/etc/token")));
}

#[test]
fn beyond_this_machine_there_is_tls() {
    let folder = folder();
    let tls = "listen = \"10.0.0.1:443\"\ncertificate = \"DIR/cert.pem\"\nkey = \"DIR/key.pem\"\n";
    assert!(parse(folder.path(), tls).unwrap().identity.unwrap().client_ca.is_empty());
    let both = parse(folder.path(), &format!("{tls}client-ca = \"DIR/cert.pem\"\nadmins = [\"ops\"]")).unwrap();
    assert_eq!((both.identity.unwrap().client_ca.len(), both.admins.len()), (1, 1));
}

#[test]
fn each_mistake_is_reported_with_its_remedy() {
    let folder = folder();
    for (lines, expected) in [
        (
            "listen = \"10.0.0.1:9680\"",
            "5: dashboard: listen 10.0.0.1:9680 is not of this machine alone: give certificate and key, so that nobody on the way reads the token, or listen on 127.0.0.1 and come through `ssh -L 9680:127.0.0.1:9680`",
        ),
        (
            "listen = \"9680\"",
            "5: dashboard: listen \"9680\" is not an address with a port, as 127.0.0.1:9680 or [2001:db8::1]:9443",
        ),
        (
            "certificate = \"DIR/cert.pem\"",
            "4: dashboard: certificate and key belong together, and client-ca needs both: give them",
        ),
        (
            "client-ca = \"DIR/cert.pem\"",
            "4: dashboard: certificate and key belong together, and client-ca needs both: give them",
        ),
        ("admins = [\"ops\"]", "5: dashboard: admins have certificates: say in client-ca who signs them"),
        (
            "token-file = \"token\"",
            "5: dashboard: token-file \"token\" is not an absolute path, as /etc/handoff/dashboard-token",
        ),
        ("admins = \"ops\"", "5: dashboard: admins must be an array of names, as [\"ops.example.org\"]"),
    ] {
        assert_eq!(parse(folder.path(), lines).unwrap_err(), format!("handoff.toml:{expected}"));
    }
}
