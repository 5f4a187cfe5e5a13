use super::*;
use crate::tickets::BootTime;
use proptest::collection::vec;
use proptest::prelude::*;
use rustls::client::Resumption;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::{PrivatePkcs8KeyDer, ServerName};
use rustls::server::NoServerSessionStorage;
use rustls::version::{TLS12, TLS13};
use rustls::{
    ClientConfig, ClientConnection, HandshakeKind, RootCertStore, ServerConfig, ServerConnection,
    SupportedProtocolVersion,
};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3_600);

fn empty() -> Ticketer {
    Ticketer::new(Timing::new(HOUR, HOUR, Duration::ZERO).unwrap())
}

fn with(ring: &Ring) -> Ticketer {
    let ticketer = empty();
    ticketer.install(ring);
    ticketer
}

fn first_ring() -> Ring {
    Ring::begin(1, BootTime::now()).unwrap()
}

fn shifted(ring: &Ring) -> Ring {
    ring.shift(BootTime::now()).unwrap()
}

#[test]
fn there_are_tickets_while_there_is_a_ring() {
    let ticketer = empty();
    assert!(!ticketer.enabled());
    assert_eq!(ticketer.encrypt(b"session"), None);
    ticketer.install(&first_ring());
    let ticket = ticketer.encrypt(b"session").unwrap();
    assert!(ticketer.enabled());
    assert_eq!(ticketer.lifetime(), 3_600);
    assert_eq!(ticketer.decrypt(&ticket).unwrap(), b"session");
    ticketer.clear();
    assert!(!ticketer.enabled());
    assert_eq!((ticketer.encrypt(b"session"), ticketer.decrypt(&ticket)), (None, None));
}

/// Each row is a server that makes a ticket, one that gets it, and whether it opens it: both named by the shifts that they are ahead of
/// the first ring.
#[test]
fn a_server_one_shift_away_opens_every_ticket() {
    let mut rings = vec![first_ring()];
    for _ in 0..3 {
        rings.push(shifted(&rings[rings.len() - 1]));
    }
    let servers: Vec<_> = rings.iter().map(with).collect();
    for (closing, opening, opens) in [
        (0, 0, true),
        // It was staged there, it is active now.
        (1, 0, true),
        (0, 1, true),
        (2, 1, true),
        // The key is gone, or has not come.
        (0, 2, false),
        (2, 0, false),
        (0, 3, false),
    ] {
        let ticket = servers[closing].encrypt(b"session").unwrap();
        assert_eq!(servers[opening].decrypt(&ticket).is_some(), opens, "from {closing} to {opening}");
    }
    assert!(with(&first_ring()).decrypt(&servers[0].encrypt(b"session").unwrap()).is_none(), "a stranger opens it");
}

#[test]
fn a_ticket_that_was_changed_anywhere_is_not_opened() {
    let ticketer = with(&first_ring());
    let ticket = ticketer.encrypt(b"session").unwrap();
    for place in 0..ticket.len() {
        for bit in 0..8 {
            let mut changed = ticket.clone();
            changed[place] ^= 1 << bit;
            assert_eq!(ticketer.decrypt(&changed), None, "bit {bit} of byte {place}");
        }
        assert_eq!(ticketer.decrypt(&ticket[..place]), None, "the first {place} bytes");
    }
    assert_eq!(ticketer.decrypt(&[&ticket[..], &[0]].concat()), None);
}

/// The name is authenticated as well: a key of the ring does not open what is another's.
#[test]
fn a_ticket_is_not_opened_under_another_name() {
    let ring = first_ring();
    let ticketer = with(&ring);
    let mut ticket = ticketer.encrypt(b"session").unwrap();
    ticket[..Key::NAME_SIZE].copy_from_slice(ring.old.key.name());
    assert_eq!(ticketer.decrypt(&ticket), None);
}

#[test]
fn what_is_too_long_is_neither_closed_nor_opened() {
    let ticketer = with(&first_ring());
    let overhead = ticketer.encrypt(b"").unwrap().len();
    let longest = vec![7; LONGEST - overhead];
    let ticket = ticketer.encrypt(&longest).unwrap();
    assert_eq!(ticketer.decrypt(&ticket).unwrap(), longest);
    assert_eq!(ticketer.encrypt(&[&longest[..], &[7]].concat()), None);
    assert_eq!(ticketer.decrypt(&vec![7; 1 << 20]), None);
}

proptest! {
    #[test]
    fn every_session_comes_back(session in vec(any::<u8>(), 0..2_000)) {
        let ring = first_ring();
        let ticket = with(&ring).encrypt(&session).unwrap();
        prop_assert_eq!(with(&shifted(&ring)).decrypt(&ticket), Some(session));
    }

    /// Under the name of a key of the ring, which everybody sees, and under any other.
    #[test]
    fn nothing_that_somebody_made_up_is_opened(bytes in vec(any::<u8>(), 0..300), named in any::<bool>()) {
        let ring = first_ring();
        let name = if named { ring.active.key.name() } else { &[] };
        prop_assert_eq!(with(&ring).decrypt(&[name, &bytes].concat()), None);
    }
}

#[test]
fn keys_and_sessions_show_nowhere() {
    let ticketer = with(&first_ring());
    assert_eq!(format!("{ticketer:?}"), "Ticketer { enabled: true, lifetime: 3600 }");
    let ticket = ticketer.encrypt(&[7; 64]).unwrap();
    assert!(!ticket.windows(8).any(|window| window == [7; 8]));
    assert_ne!(ticket, ticketer.encrypt(&[7; 64]).unwrap(), "the nonce is the same");
}

#[test]
fn tickets_are_opened_while_rings_come() {
    let ticketer = with(&first_ring());
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let mut ring = first_ring();
        ticketer.install(&ring);
        let users = [(); 2].map(|()| {
            scope.spawn(|| {
                let mut opened = 0;
                while !done.load(Ordering::Relaxed) {
                    // Two rings may come between closing and opening: that is what the ticket may be lost by, and nothing else.
                    let ticket = ticketer.encrypt(b"session").expect("a moment without keys");
                    if let Some(session) = ticketer.decrypt(&ticket) {
                        assert_eq!(session, b"session");
                        opened += 1;
                    }
                }
                opened
            })
        });
        for _ in 0..300 {
            ring = shifted(&ring);
            ticketer.install(&ring);
            thread::yield_now();
        }
        done.store(true, Ordering::Relaxed);
        for user in users {
            assert!(user.join().unwrap() > 0);
        }
    });
}

#[test]
fn rustls_resumes_on_another_server() {
    for version in [&TLS12, &TLS13] {
        let end = Ends::new(version);
        let ring = first_ring();
        let (one, other) = (end.server(with(&ring)), end.server(with(&shifted(&ring))));
        let stranger = end.server(with(&first_ring()));
        assert_eq!(end.connect(&one), HandshakeKind::Full, "{version:?}");
        assert_eq!(end.connect(&other), HandshakeKind::Resumed, "{version:?}");
        assert_eq!(end.connect(&one), HandshakeKind::Resumed, "{version:?}");
        assert_eq!(end.connect(&stranger), HandshakeKind::Full, "{version:?}");
        assert_eq!(end.connect(&end.server(empty())), HandshakeKind::Full, "{version:?}");
    }
}

/// A client that remembers its sessions, and the certificate of all servers.
struct Ends {
    version: [&'static SupportedProtocolVersion; 1],
    certificate: rcgen::CertifiedKey<rcgen::KeyPair>,
    client: Arc<ClientConfig>,
}

impl Ends {
    fn new(version: &'static SupportedProtocolVersion) -> Self {
        let certificate = rcgen::generate_simple_self_signed(["vip.test".to_owned()]).unwrap();
        let mut trusted = RootCertStore::empty();
        trusted.add(certificate.cert.der().clone()).unwrap();
        let mut client = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_protocol_versions(&[version])
            .unwrap()
            .with_root_certificates(trusted)
            .with_no_client_auth();
        client.resumption = Resumption::in_memory_sessions(8);
        Self { version: [version], certificate, client: Arc::new(client) }
    }

    fn server(&self, ticketer: Ticketer) -> Arc<ServerConfig> {
        let key = PrivatePkcs8KeyDer::from(self.certificate.signing_key.serialize_der());
        let mut server = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_protocol_versions(&self.version)
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![self.certificate.cert.der().clone()], key.into())
            .unwrap();
        server.ticketer = Arc::new(ticketer);
        server.session_storage = Arc::new(NoServerSessionStorage {});
        Arc::new(server)
    }

    /// A whole handshake, in memory.
    fn connect(&self, server: &Arc<ServerConfig>) -> HandshakeKind {
        let name = ServerName::try_from("vip.test").unwrap();
        let mut client = ClientConnection::new(self.client.clone(), name).unwrap();
        let mut server = ServerConnection::new(server.clone()).unwrap();
        // Until both have said everything: the tickets of TLS 1.3 come after the handshake.
        while client.wants_write() || server.wants_write() {
            let mut bytes = Vec::new();
            client.write_tls(&mut bytes).unwrap();
            server.read_tls(&mut &bytes[..]).unwrap();
            server.process_new_packets().unwrap();
            bytes.clear();
            server.write_tls(&mut bytes).unwrap();
            client.read_tls(&mut &bytes[..]).unwrap();
            client.process_new_packets().unwrap();
        }
        assert_eq!(client.handshake_kind(), server.handshake_kind());
        server.handshake_kind().unwrap()
    }
}
