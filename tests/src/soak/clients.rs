//! Clients: many at a time, each with one request after the other.

use super::ledger::{Failure, Kind};
use super::stage::{Shared, Stage};
use crate::scene::{HOST, TlsClient, echo, exchange};
use anyhow::{Context, Result};
use lb_user::lab::Node;
use lb_user::lab::topology::VIP;
use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::os::fd::OwnedFd;
use std::thread;
use std::time::Duration;

/// Port of what answers TCP connections and datagrams.
pub(super) const PORT: u16 = 8000;
/// How long a client waits: longer than any outage of the whole balancer, so that what is lost is sent again in time.
const PATIENCE: Duration = Duration::from_secs(12);
/// How long a client waits for the answer to a datagram before it sends another one; [`PATIENCE`] in all.
const DATAGRAM_WAITS: [Duration; 4] =
    [Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4), Duration::from_secs(5)];
/// Bytes of an upload and of a download.
const BYTES: (u64, u64) = (3_000, 12_000);

/// Clients of each kind, and how long each is idle between two requests.
const CLIENTS: [(Kind, usize, Duration); 4] = [
    (Kind::Connection, 24, Duration::from_millis(300)),
    (Kind::Held, 24, Duration::from_millis(500)),
    (Kind::Tls, 4, Duration::from_millis(400)),
    (Kind::Datagram, 8, Duration::from_millis(250)),
];

/// Sends requests until the end.
///
/// # Errors
/// When the clients have no network.
pub(super) fn come(stage: &Stage, shared: &Shared) -> Result<()> {
    let ca = stage.cluster().certificate();
    stage.scene().namespace(Node::Client).run(|| {
        thread::scope(|scope| {
            for (kind, count, idle) in CLIENTS {
                for _ in 0..count {
                    scope.spawn(move || match Client::new(kind, stage, ca) {
                        Ok(client) => client.ask_until_the_end(shared, idle),
                        Err(error) => shared.problem(format!("a client cannot begin: {error:#}")),
                    });
                }
            }
        });
    })?;
    Ok(())
}

struct Client {
    kind: Kind,
    tls: Option<TlsClient>,
    /// A connection that stays open, and its server.
    held: Option<(TcpStream, String)>,
    /// Port of the request that is under way.
    port: u16,
    /// Its socket, once more: nobody else gets the port before it is known where the request was.
    socket: Option<OwnedFd>,
}

/// Who has answered, and whether a session was resumed.
type Answer = (String, bool);

impl Client {
    fn new(kind: Kind, stage: &Stage, ca: &std::path::Path) -> Result<Self> {
        let tls = || TlsClient::new(stage.scene().namespace(Node::Client), HOST, ca, &rustls::version::TLS13);
        let tls = (kind == Kind::Tls).then(tls).transpose()?;
        Ok(Self { kind, tls, held: None, port: 0, socket: None })
    }

    fn ask_until_the_end(mut self, shared: &Shared, idle: Duration) {
        while !shared.is_over() {
            let open = shared.gate();
            let began = shared.now();
            let before = self.held.as_ref().map(|(_, server)| server.clone());
            match self.ask(shared) {
                Ok((server, resumed)) => shared.answered(self.kind, server, resumed),
                Err(error) => {
                    let (kind, port, ended, what) = (self.kind, self.port, shared.now(), format!("{error:#}"));
                    shared.failed(Failure { kind, began, ended, port, backend: before, what }, self.socket.take());
                }
            }
            self.socket = None;
            drop(open);
            thread::sleep(idle);
        }
    }

    fn ask(&mut self, shared: &Shared) -> Result<Answer> {
        match self.kind {
            Kind::Connection => Ok((exchange(&mut self.connect(PORT, shared)?, BYTES.0, BYTES.1)?, false)),
            Kind::Held => self.ask_again(shared),
            Kind::Tls => {
                let stream = self.connect(443, shared)?;
                let how = self.tls.as_ref().context("a TLS client")?.visit_over(stream)?;
                Ok(("any".to_owned(), how == rustls::HandshakeKind::Resumed))
            }
            Kind::Datagram => self.send(shared),
        }
    }

    /// Over the connection that is open, or else over a new one.
    fn ask_again(&mut self, shared: &Shared) -> Result<Answer> {
        let (mut connection, before) = match self.held.take() {
            Some((connection, server)) => (connection, Some(server)),
            None => (self.connect(PORT, shared)?, None),
        };
        let server = exchange(&mut connection, BYTES.0, BYTES.1)?;
        if let Some(before) = before.filter(|before| *before != server) {
            anyhow::bail!("a connection to {before} moved to {server}");
        }
        self.held = Some((connection, server.clone()));
        Ok((server, false))
    }

    /// Connects by a port that is known also if that fails.
    fn connect(&mut self, port: u16, shared: &Shared) -> Result<TcpStream> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
        bind(shared, |address| socket.bind(&address.into()))?;
        self.socket = Some(socket.try_clone()?.into());
        self.port = socket.local_addr()?.as_socket().context("an address")?.port();
        socket.connect_timeout(&SockAddr::from(SocketAddr::from((VIP, port))), PATIENCE)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        socket.set_write_timeout(Some(PATIENCE))?;
        Ok(socket.into())
    }

    /// Sends a datagram again and again, as DNS clients do.
    fn send(&mut self, shared: &Shared) -> Result<Answer> {
        let socket = bind(shared, UdpSocket::bind)?;
        self.socket = Some(socket.try_clone()?.into());
        self.port = socket.local_addr()?.port();
        socket.connect((VIP, PORT))?;
        let mut last = None;
        for wait in DATAGRAM_WAITS {
            socket.set_read_timeout(Some(wait))?;
            match echo(&socket, 200) {
                Ok(server) => return Ok((server, false)),
                // One that refuses answers at once.
                Err(error) => last = Some(error),
            }
        }
        Err(last.context("it was sent")?)
    }
}

/// Binds to the next port that is free.
fn bind<T>(shared: &Shared, bind: impl Fn(SocketAddr) -> io::Result<T>) -> io::Result<T> {
    loop {
        match bind((Ipv4Addr::UNSPECIFIED, shared.next_port()).into()) {
            // A connection is held open by it.
            Err(error) if error.kind() == ErrorKind::AddrInUse => {}
            outcome => return outcome,
        }
    }
}
