use super::*;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use tempfile::TempDir;

const DAY: Duration = Duration::from_secs(24 * 3_600);

/// An authority with the agent lb-1, also known as 192.0.2.1, and the back-end web-1.
fn enrolled() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    init_ca(&at("ca"), agent(), 10 * DAY, DAY).unwrap();
    let url = "https://lb-1:9444".parse().unwrap();
    enroll(&at("ca"), "web-1".parse().unwrap(), &[url], DAY, &at("web-1")).unwrap();
    folder
}

fn agent() -> Agent {
    Agent { name: "lb-1".parse().unwrap(), addresses: vec![IpAddr::from([192, 0, 2, 1])] }
}

/// Has a client with one certificate speak to a server with the other, as the agent and its back-ends do.
fn speak(server: &Path, client: &Path, ca: &Path, host: &str) -> Result<(), String> {
    let text = |error: rustls::Error| error.to_string();
    let provider = Arc::new(default_provider());
    let mut trusted = RootCertStore::empty();
    trusted.add(CertificateDer::from_pem_file(ca).unwrap()).unwrap();
    let trusted = Arc::new(trusted);
    let chain = |path: &Path| CertificateDer::pem_file_iter(path).unwrap().map(Result::unwrap).collect();
    let key = |path: &Path| PrivateKeyDer::from_pem_file(path.with_extension("key")).unwrap();
    let verifier = WebPkiClientVerifier::builder_with_provider(trusted.clone(), provider.clone()).build().unwrap();
    let server_config = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .and_then(|it| it.with_client_cert_verifier(verifier).with_single_cert(chain(server), key(server)));
    let client_config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|it| it.with_root_certificates(trusted).with_client_auth_cert(chain(client), key(client)));
    let host = ServerName::try_from(host.to_owned()).unwrap();
    let mut client = ClientConnection::new(Arc::new(client_config.map_err(text)?), host).map_err(text)?;
    let mut server = ServerConnection::new(Arc::new(server_config.map_err(text)?)).map_err(text)?;
    while client.is_handshaking() || server.is_handshaking() {
        let mut flight = Vec::new();
        client.write_tls(&mut flight).unwrap();
        server.read_tls(&mut &flight[..]).unwrap();
        server.process_new_packets().map_err(text)?;
        flight.clear();
        server.write_tls(&mut flight).unwrap();
        client.read_tls(&mut &flight[..]).unwrap();
        client.process_new_packets().map_err(text)?;
    }
    Ok(())
}

#[test]
fn agent_and_back_end_accept_each_other_by_name_and_by_address() {
    let folder = enrolled();
    let at = |name: &str| folder.path().join(name);
    for host in ["lb-1", "192.0.2.1"] {
        assert_eq!(speak(&at("ca/agent.pem"), &at("web-1/node.pem"), &at("web-1/ca.pem"), host), Ok(()));
    }
    let other = speak(&at("ca/agent.pem"), &at("web-1/node.pem"), &at("web-1/ca.pem"), "lb-2").unwrap_err();
    assert!(other.contains("lb-2"), "{other}");
    enroll_agent(&at("ca"), Agent { name: "lb-2".parse().unwrap(), addresses: Vec::new() }, DAY, &at("lb-2")).unwrap();
    assert_eq!(speak(&at("lb-2/agent.pem"), &at("web-1/node.pem"), &at("lb-2/ca.pem"), "lb-2"), Ok(()));
}

#[test]
fn a_certificate_is_good_for_one_end_only() {
    let folder = enrolled();
    let at = |name: &str| folder.path().join(name);
    let ca = at("ca/ca.pem");
    let server = speak(&at("web-1/node.pem"), &at("web-1/node.pem"), &ca, "web-1").unwrap_err();
    let client = speak(&at("ca/agent.pem"), &at("ca/agent.pem"), &ca, "lb-1").unwrap_err();
    for refused in [server, client] {
        assert!(refused.contains("invalid peer certificate") && refused.contains("usage"), "{refused}");
    }
}

#[test]
fn a_back_end_cannot_make_another_one() {
    let folder = enrolled();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("evil")).unwrap();
    fs::copy(at("web-1/node.pem"), at("evil/ca.pem")).unwrap();
    fs::copy(at("web-1/node.key"), at("evil/ca.key")).unwrap();
    enroll(&at("evil"), "web-2".parse().unwrap(), &[], DAY, &at("web-2")).unwrap();
    let chain = ["web-2/node.pem", "web-1/node.pem"].map(|name| fs::read_to_string(at(name)).unwrap()).concat();
    fs::write(at("web-2/node.pem"), chain).unwrap();
    let refused = speak(&at("ca/agent.pem"), &at("web-2/node.pem"), &at("ca/ca.pem"), "lb-1").unwrap_err();
    assert!(refused.contains("CaUsedAsEndEntity") || refused.contains("EndEntityUsedAsCa"), "{refused}");
}

#[test]
fn names_and_rights_of_a_certificate_are_those_of_its_subject() {
    let folder = enrolled();
    let der = CertificateDer::from_pem_file(folder.path().join("web-1/node.pem")).unwrap();
    let certificate = webpki::EndEntityCert::try_from(&der).unwrap();
    assert_eq!(certificate.valid_dns_names().collect::<Vec<_>>(), ["web-1"]);
    let mode = |name: &str| fs::metadata(folder.path().join(name)).unwrap().permissions().mode() & 0o777;
    for secret in ["ca/ca.key", "ca/agent.key", "web-1/node.key"] {
        assert_eq!(mode(secret), 0o600, "{secret}");
    }
    assert_eq!((mode("ca"), mode("web-1"), mode("ca/ca.pem")), (0o755, 0o700, 0o644));
}

#[test]
fn certificates_are_valid_for_clocks_that_are_behind_and_not_for_ever() {
    let folder = enrolled();
    let at = |name: &str| folder.path().join(name);
    let der = CertificateDer::from_pem_file(at("web-1/node.pem")).unwrap();
    let ca = CertificateDer::from_pem_file(at("ca/ca.pem")).unwrap();
    let valid = |from_now: i64| {
        let now = rustls::pki_types::UnixTime::now().as_secs().saturating_add_signed(from_now);
        let now = rustls::pki_types::UnixTime::since_unix_epoch(Duration::from_secs(now));
        let anchor = webpki::anchor_from_trusted_cert(&ca).unwrap();
        let certificate = webpki::EndEntityCert::try_from(&der).unwrap();
        let algorithms = default_provider().signature_verification_algorithms.all;
        let usage = webpki::KeyUsage::client_auth();
        certificate.verify_for_usage(algorithms, &[anchor], &[], now, usage, None, None).is_ok()
    };
    assert_eq!([-4_000, -3_000, 0, 86_000, 87_000].map(valid), [false, true, true, true, false]);
}

#[test]
fn nothing_is_overwritten_and_nothing_is_half_made() {
    let folder = enrolled();
    let at = |name: &str| folder.path().join(name);
    let before = fs::read(at("ca/ca.key")).unwrap();
    let error = init_ca(&at("ca"), agent(), DAY, DAY).unwrap_err();
    assert!(matches!(error, Error::Taken { .. }) && error.to_string().contains("/ca: "), "{error}");
    assert_eq!(fs::read(at("ca/ca.key")).unwrap(), before);
    // An empty folder is what people make first, and a file is no folder.
    fs::create_dir(at("empty")).unwrap();
    init_ca(&at("empty"), agent(), DAY, DAY).unwrap();
    assert!(matches!(init_ca(&at("ca/ca.pem"), agent(), DAY, DAY), Err(Error::Taken { .. })));
    let error = init_ca(&at("ca/ca.pem/below"), agent(), DAY, DAY).unwrap_err();
    assert!(matches!(error, Error::File { .. }), "{error}");
    let mut left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|it| it.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["ca", "empty", "web-1"]);
}

#[test]
fn an_authority_that_is_not_there_or_is_none_is_named() {
    let folder = enrolled();
    let at = |name: &str| folder.path().join(name);
    let refused = |ca: &str| enroll(&at(ca), "web-2".parse().unwrap(), &[], DAY, &at("web-2")).unwrap_err().to_string();
    assert!(refused("nowhere").contains("/nowhere/ca.pem: "));
    fs::create_dir(at("other")).unwrap();
    init_ca(&at("second"), agent(), DAY, DAY).unwrap();
    fs::copy(at("ca/ca.pem"), at("other/ca.pem")).unwrap();
    fs::copy(at("second/ca.key"), at("other/ca.key")).unwrap();
    assert!(refused("other").contains("do ca.pem and ca.key belong together?"), "{}", refused("other"));
    for name in ["ca.key", "ca.pem"] {
        fs::write(at("other").join(name), "-----BEGIN NONSENSE-----\n").unwrap();
        assert!(refused("other").contains(&format!("/other/{name}: ")), "{}", refused("other"));
        fs::copy(at("ca").join(name), at("other").join(name)).unwrap();
    }
    assert!(!at("web-2").exists());
}

#[test]
fn the_file_of_a_back_end_is_toml_and_names_the_agents() {
    let folder = enrolled();
    let text = fs::read_to_string(folder.path().join("web-1/tickets.toml")).unwrap();
    let table: toml::Table = text.parse().unwrap();
    assert_eq!(table["agents"].as_array().unwrap(), &["https://lb-1:9444".into()]);
    assert_eq!(table["key"].as_str(), Some("/etc/handoff/node.key"));
    // What is commented out is right as well.
    let is_toml = |line: &&str| line.starts_with("[[") || line.contains(" = ");
    let commented: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("# ")).filter(is_toml).collect();
    let ring = commented.join("\n").parse::<toml::Table>().unwrap();
    assert_eq!(ring["ring"][0]["driver"].as_str(), Some("nginx"));
}
