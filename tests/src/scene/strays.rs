use anyhow::Result;
use etherparse::TcpHeader;
use lb_user::lab::{Namespace, topology::SERVICE};
use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::Duration;

/// TCP segments for the lab's service that have no flag at all, a few dozen a second, as scanners send them: the balancer drops them. They
/// end when this is dropped.
#[derive(Debug)]
pub struct Strays {
    enough: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Strays {
    /// Sends them from `namespace`.
    ///
    /// # Errors
    /// When there can be no socket for that.
    pub fn start(namespace: &Namespace) -> Result<Self> {
        let socket = namespace.run(|| Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::TCP)))??;
        let address = SocketAddr::V4(SERVICE);
        let segment = segment()?;
        let enough = Arc::new(AtomicBool::new(false));
        let ended = enough.clone();
        let thread = spawn(move || {
            while !ended.load(Ordering::Relaxed) {
                // One that gets lost is as good as none.
                let _ = socket.send_to(&segment, &address.into());
                sleep(Duration::from_millis(30));
            }
        });
        Ok(Self { enough, thread: Some(thread) })
    }
}

impl Drop for Strays {
    fn drop(&mut self) {
        self.enough.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has ended as well.
            let _ = thread.join();
        }
    }
}

/// A segment from its TCP header on: the kernel makes the IP header.
fn segment() -> io::Result<Vec<u8>> {
    let header = TcpHeader::new(40_000, SERVICE.port(), 1, 1_024);
    let mut bytes = Vec::new();
    header.write(&mut bytes)?;
    Ok(bytes)
}
