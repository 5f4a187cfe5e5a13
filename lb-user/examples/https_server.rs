//! A small HTTPS server whose TLS sessions belong to its cluster: it makes and takes session tickets with Handoff's `Ticketer`.
//!
//! ```text
//! cargo run -p lb-user --example https_server -- 127.0.0.1:8443
//! curl --insecure https://127.0.0.1:8443 https://127.0.0.1:8443
//! cargo run -p lb-user --example https_server -- 10.0.0.11:8443 shop https://10.0.0.2:9444 node.pem node.key ca.pem
//! ```
//!
//! With the address alone, its keys are its own; else they are those of the ring that the agent has for the holder of the certificate.
//! The first answer is `full`, the second one `resumed`: curl has made two connections.

use lb_user::tickets::node::{Agents, Pull, Target};
use lb_user::tickets::{BootTime, Ring, RingName, Ticketer, Timing};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::NoServerSessionStorage;
use rustls::{ClientConfig, HandshakeKind, RootCertStore, ServerConfig, ServerConnection, StreamOwned};
use std::error::Error;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;
use std::{env, thread};

const USAGE: &str = "usage: https_server ADDRESS [RING AGENT-URL CERTIFICATE KEY CA]";
/// How long a client may be silent.
const PATIENCE: Duration = Duration::from_secs(5);

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let (address, source) = arguments.split_first().ok_or(USAGE)?;
    let hour = Duration::from_secs(3_600);
    let timing = Timing::new(hour, hour, Timing::default_guard(hour))?;

    let ticketer = Arc::new(Ticketer::new(timing));
    feed(ticketer.clone(), Some(source).filter(|source| !source.is_empty()), timing)?;
    let tls = server_config(ticketer)?;

    let listener = TcpListener::bind(address)?;
    println!("https://{address}");
    for stream in listener.incoming() {
        let (stream, tls) = (stream?, tls.clone());
        thread::spawn(move || {
            if let Err(error) = serve(stream, tls) {
                eprintln!("a connection failed: {error}");
            }
        });
    }
    Ok(())
}

/// Sees to it that the ticketer has the ring of the moment. Here the ring is this server's alone; in a cluster, it is pulled from the
/// agent, and this function is all that differs.
fn feed(ticketer: Arc<Ticketer>, source: Option<&[String]>, timing: Timing) -> Result<(), Box<dyn Error>> {
    match source {
        Some(source) => pull(ticketer, source),
        None => rotate(ticketer, timing),
    }
}

/// From the cluster's agent, as `handoff tickets pull` does for other servers.
fn pull(ticketer: Arc<Ticketer>, source: &[String]) -> Result<(), Box<dyn Error>> {
    let [ring, agent, certificate, key, ca] = source else { return Err(USAGE.into()) };
    let mut trusted = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(ca)? {
        trusted.add(certificate?)?;
    }
    let certificates = CertificateDer::pem_file_iter(certificate)?.collect::<Result<_, _>>()?;
    let tls = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(trusted)
        .with_client_auth_cert(certificates, PrivateKeyDer::from_pem_file(key)?)?;
    let agents = Agents::new(vec![agent.parse()?], Arc::new(tls));
    let pull = Pull::new(RingName::try_from(ring.clone())?, agents, Target::Process(ticketer));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (ready, is_ready) = tokio::sync::oneshot::channel();
    thread::spawn(move || runtime.block_on(pull.run(ready)));
    // Until there are keys, there would be no tickets.
    Ok(is_ready.blocking_recv()?)
}

/// From nobody: a ring of its own.
fn rotate(ticketer: Arc<Ticketer>, timing: Timing) -> Result<(), Box<dyn Error>> {
    let mut ring = Ring::begin(1, BootTime::now())?;
    ticketer.install(&ring);
    thread::spawn(move || {
        loop {
            thread::sleep(ring.shift_due(timing).since(BootTime::now()));
            match ring.shift(BootTime::now()) {
                Ok(next) => ring = next,
                Err(error) => {
                    // Old keys are not used for longer than was promised: without new ones, there are no tickets.
                    eprintln!("no more tickets: {error}");
                    return ticketer.clear();
                }
            }
            ticketer.install(&ring);
        }
    });
    Ok(())
}

fn server_config(ticketer: Arc<Ticketer>) -> Result<Arc<ServerConfig>, Box<dyn Error>> {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let mut tls = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key.into())?;
    tls.ticketer = ticketer;
    // What this server remembered by itself, no other could resume.
    tls.session_storage = Arc::new(NoServerSessionStorage {});
    Ok(Arc::new(tls))
}

/// Answers one request by saying what kind of handshake there was.
fn serve(stream: TcpStream, tls: Arc<ServerConfig>) -> Result<(), Box<dyn Error>> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut stream = StreamOwned::new(ServerConnection::new(tls)?, stream);
    // The beginning of a request is enough: the answer is always the same.
    let mut request = [0; 1_024];
    let _ = stream.read(&mut request)?;
    let kind = match stream.conn.handshake_kind() {
        Some(HandshakeKind::Resumed) => "resumed\n",
        _ => "full\n",
    };
    write!(stream, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{kind}", kind.len())?;
    stream.conn.send_close_notify();
    stream.flush()?;
    Ok(())
}
