use super::{Responder, Scene, exchange, service};
use anyhow::{Result, ensure};
use lb_user::lab::topology::VIP;
use std::net::TcpStream;
use std::time::Duration;

/// TCP port of the service.
const PORT: u16 = 8000;
/// How long a connection may be silent.
const PATIENCE: Duration = Duration::from_secs(10);
/// What each of them carries at once, in both directions: more than a packet has room for.
const BYTES: u64 = 20_000;

/// Connections that stay open while agents come and go, to servers that say their names.
#[derive(Debug)]
pub struct Held {
    connections: Vec<(TcpStream, String)>,
    _servers: Vec<Responder>,
}

impl Held {
    /// The service that they are of, with these back-ends.
    pub fn service(backends: &[(&str, &str)]) -> String {
        service("held", PORT, "tcp", backends)
    }

    /// Starts the servers and opens so many connections, of which every server gets some.
    ///
    /// # Errors
    /// When a connection fails.
    pub fn open(scene: &Scene, count: usize) -> Result<Self> {
        let servers = scene.stage().topology().servers();
        let start = |node| Responder::exchanging(&scene.namespace(node), PORT, &format!("{node}"));
        let servers: Vec<_> = servers.map(start).collect::<Result<_, _>>()?;
        let connect = |_| -> Result<_> {
            let mut connection = scene.connect((VIP, PORT))?;
            connection.set_read_timeout(Some(PATIENCE))?;
            connection.set_write_timeout(Some(PATIENCE))?;
            let server = exchange(&mut connection, BYTES, BYTES)?;
            Ok((connection, server))
        };
        let connections: Vec<_> = (0..count).map(connect).collect::<Result<_>>()?;
        let mut names: Vec<_> = connections.iter().map(|(_, name)| name.clone()).collect();
        names.sort();
        names.dedup();
        ensure!(names.len() == servers.len(), "not every server has a connection: {names:?}");
        Ok(Self { connections, _servers: servers })
    }

    /// Checks that every connection still works, with the same server.
    ///
    /// # Errors
    /// When one does not.
    pub fn stay(&mut self) -> Result<()> {
        for (connection, name) in &mut self.connections {
            let server = exchange(connection, BYTES, BYTES)?;
            ensure!(server == *name, "a connection to {name} moved to {server}");
        }
        Ok(())
    }
}
