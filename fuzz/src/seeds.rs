//! Inputs to begin with: what the packet vectors, the packets in tunnels and the documentation's examples are made of.

use crate::traffic;
use anyhow::{Context, Result};
use lb_tests::tunnel;
use lb_tests::vector::{self, Case, Step};
use rustls::pki_types::ServerName;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, ClientConnection, RootCertStore};
use std::fs;
use std::path::Path;
use std::sync::Arc;

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
