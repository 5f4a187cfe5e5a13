//! Inputs to begin with: what the packet vectors, the packets in tunnels and the documentation's examples are made of.

use crate::traffic;
use anyhow::{Context, Result};
use lb_tests::tunnel;
use lb_tests::vector::{self, Case, Step};
use lb_user::tickets::wire::RingMessage;
use lb_user::tickets::{BootTime, Ring, RingName, Timing};
use rustls::pki_types::ServerName;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, ClientConnection, RootCertStore};
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Writes the inputs for each target into a folder of its name in `folder`.
///
/// # Errors
/// When a vector cannot be read, or an input cannot be written.
pub fn write(folder: &Path) -> Result<()> {
    let cases = vector::load_all()?;
    let frames = cases.iter().flat_map(|case| &case.steps).filter_map(|step| match step {
        Step::Packet { frame, .. } => Some(frame.clone()),
        Step::Wait(_) | Step::Setup(_) => None,
    });
    for target in ["balancer", "shortcut"] {
        write_all(&folder.join(target), cases.iter().map(traffic_of))?;
    }
    write_all(&folder.join("round_trip"), frames)?;
    write_all(&folder.join("decap"), tunnel::cases().into_iter().map(|case| case.frame))?;
    write_all(&folder.join("client_hello"), hellos()?)?;
    write_all(&folder.join("config"), configurations())?;
    write_all(&folder.join("requests"), requests())?;
    write_all(&folder.join("ticket_messages"), ticket_messages()?)?;
    write_all(&folder.join("flow_table"), [])
}

fn write_all(folder: &Path, inputs: impl IntoIterator<Item = Vec<u8>>) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    for (number, input) in inputs.into_iter().enumerate() {
        let path = folder.join(number.to_string());
        fs::write(&path, input).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

fn traffic_of(case: &Case) -> Vec<u8> {
    let mut wait = 0;
    let packets = case.steps.iter().filter_map(|step| match step {
        Step::Packet { frame, .. } => Some((std::mem::take(&mut wait), &frame[..])),
        Step::Wait(ticks) => {
            wait += ticks;
            None
        }
        Step::Setup(_) => None,
    });
    traffic::input(packets)
}

/// What clients of TLS 1.3 and 1.2 say first.
fn hellos() -> Result<Vec<Vec<u8>>> {
    let hello = |version| -> Result<Vec<u8>> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_protocol_versions(&[version])?;
        let config = config.with_root_certificates(RootCertStore::empty()).with_no_client_auth();
        let mut client = ClientConnection::new(Arc::new(config), ServerName::try_from("www.example.com")?)?;
        let mut bytes = Vec::new();
        client.write_tls(&mut bytes)?;
        Ok(bytes)
    };
    [&TLS13, &TLS12].into_iter().map(hello).collect()
}

/// A request of each kind.
fn requests() -> Vec<Vec<u8>> {
    let gets = [
        "status",
        "services",
        "backends",
        "counters",
        "generations",
        "events",
        "tickets",
        "flows?client=192.0.2.0/24&service=web&backend=server-1&state=established&limit=7",
        "flows/top/clients?limit=3",
        "trace?client=192.0.2.1&service=web",
        "capture?filter=tcp+port+443&snaplen=64&rate=100&duration_s=5",
        "traffic",
        "samples",
        "history?since_s=3600&measure=packets&service=web",
        "snapshot",
        "live",
    ];
    let posts = [
        ("plan", r#"{"text":"[agent]\ninterfaces = [\"eth0\"]\n"}"#),
        ("apply", r#"{"path":"/etc/handoff/handoff.toml","force":true}"#),
        ("rollback", r#"{"to":3,"force":false}"#),
        ("override", r#"{"backend":"server-1","service":"web","verb":{"weight":5},"force":true}"#),
        ("explain", r#"{"packet":"tcp 192.0.2.1:40000 198.51.100.1:443"}"#),
        ("tickets/rotate", r#"{"ring":"shop","force":true}"#),
        ("tickets/revoke", r#"{"ring":"shop","node":"server-1"}"#),
        ("stop", r#"{"purge":false,"drain":true}"#),
    ];
    let gets = gets.iter().map(|path| format!("GET /v1/{path} HTTP/1.1\r\nHost: handoff\r\n\r\n"));
    let posts = posts.iter().map(|(path, body)| {
        let len = body.len();
        let kind = "Content-Type: application/json";
        format!("POST /v1/{path} HTTP/1.1\r\nHost: handoff\r\n{kind}\r\nContent-Length: {len}\r\n\r\n{body}")
    });
    gets.chain(posts).map(String::into_bytes).collect()
}

/// A ring on its way, and what a back-end says of it. The keys are nobody's.
fn ticket_messages() -> Result<Vec<Vec<u8>>> {
    let now = BootTime::after_start(Duration::from_secs(100_000));
    let name = RingName::try_from("shop".to_owned()).map_err(anyhow::Error::msg)?;
    let ring = Ring::begin(1_772_438_400, now)?.shift(now)?;
    let message = serde_json::to_vec(&RingMessage::new(&name, &ring, Timing::DEFAULT, now))?;
    let report = r#"{"version":"1772438400.2","state":"cluster","driver":"nginx","error":null}"#;
    Ok(vec![message, report.into(), b"1772438400.3".to_vec()])
}

/// The examples of the documentation, and a configuration with every key. None may name files: see the target.
fn configurations() -> impl Iterator<Item = Vec<u8>> {
    const AGENT: &str = "[agent]\ninterfaces = [\"eth0\"]\n";
    let documentation = include_str!("../../docs/configuration.md");
    let examples = documentation.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next());
    let examples = examples.map(|example| format!("{AGENT}{example}"));
    let full = include_str!("../../lb-user/src/config/tests/full.toml").to_owned();
    examples.chain([full]).map(|text| {
        let lines: Vec<&str> = text.lines().filter(|line| !line.contains("-file")).collect();
        lines.join("\n").into_bytes()
    })
}
