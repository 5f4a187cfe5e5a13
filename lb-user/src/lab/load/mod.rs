//! The data generator. Every request is a new TCP connection and a TLS handshake: what the balancer hands off is connections.

mod clients;
mod memory;
mod pacer;
mod request;
mod sizes;
mod tally;

pub use clients::ClientSequence;
pub use memory::Memory;
pub(super) use request::WRONG_PEER;
pub(super) use sizes::SizeSequence;
pub use sizes::Sizes;
pub use tally::{Failure, Tally};

use super::topology::client;
use super::{Error, Namespace};
use pacer::Pacer;
use request::request;
use serde::{Deserialize, Serialize};
use std::iter;
use std::net::{Ipv4Addr, SocketAddr};
use std::panic;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Instant;
use tokio::runtime::Builder;
use tokio::sync::{Semaphore, oneshot};
use tokio::time::sleep;

/// What the data generator does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadOptions {
    /// Most connections that are open at once; at least 1.
    pub connections: u32,
    /// New connections a second, evenly spaced; 0 for as many as `connections` permits.
    pub rate: u32,
    /// What each connection asks for.
    pub sizes: Sizes,
    /// Where mixed sizes begin, and the sequence of clients.
    pub seed: u64,
    /// How many clients the connections come from, at most [`super::topology::MAX_CLIENTS`]; `None`: one, at the client's own address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clients: Option<u16>,
}

impl LoadOptions {
    /// 300 connections a second, up to 16 at once, all for the same size.
    pub const DEFAULT: Self = Self { connections: 16, rate: 300, sizes: Sizes::Fixed, seed: 1, clients: None };
}

/// A data generator at work.
#[derive(Debug)]
pub struct Load {
    tally: Arc<Mutex<Tally>>,
    stop: oneshot::Sender<()>,
    thread: JoinHandle<Result<(), Error>>,
}

impl Load {
    /// Starts to send requests from `namespace` to `target`. Clients have `memory` for their sessions.
    ///
    /// # Errors
    /// When the system has no thread left.
    pub fn start(
        namespace: Namespace,
        target: SocketAddr,
        memory: Memory,
        options: LoadOptions,
    ) -> Result<Self, Error> {
        let tally = Arc::new(Mutex::new(Tally::default()));
        let (stop, stopped) = oneshot::channel();
        let mut generator = Generator { target, memory, options, tally: tally.clone() };
        let failed = Error::process("cannot start the data generator");
        let thread = thread::Builder::new().name("client".to_owned());
        let thread = thread.spawn(move || namespace.run(|| generator.run(stopped))?).map_err(failed)?;
        Ok(Self { tally, stop, thread })
    }

    /// What became of the requests so far.
    pub fn tally(&self) -> Tally {
        lock(&self.tally).clone()
    }

    /// Begins no more requests, and waits for the end of those that are under way.
    ///
    /// # Errors
    /// When the generator could not work.
    pub fn finish(self) -> Result<Tally, Error> {
        // Nobody receives it if the generator has ended with an error, which joining it returns.
        let _ = self.stop.send(());
        self.thread.join().unwrap_or_else(|panicked| panic::resume_unwind(panicked))?;
        Ok(lock(&self.tally).clone())
    }
}

struct Generator {
    target: SocketAddr,
    memory: Memory,
    options: LoadOptions,
    tally: Arc<Mutex<Tally>>,
}

impl Generator {
    fn run(&mut self, stopped: oneshot::Receiver<()>) -> Result<(), Error> {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(Error::process("cannot start the data generator"))?;
        runtime.block_on(async {
            let room = Arc::new(Semaphore::new(self.options.connections as usize));
            tokio::select! {
                () = self.begin_requests(&room) => {}
                _ = stopped => {}
            }
            // There is room for all again when every request has ended. Nobody closes the semaphore.
            let _ = room.acquire_many(self.options.connections).await;
        });
        Ok(())
    }

    async fn begin_requests(&mut self, room: &Arc<Semaphore>) {
        let start = Instant::now();
        let mut pacer = Pacer::new(self.options.rate);
        for (size, source) in SizeSequence::new(self.options.sizes, self.options.seed).zip(self.sources()) {
            let Ok(place) = room.clone().acquire_owned().await else { return };
            let delay = pacer.delay(start.elapsed());
            if !delay.is_zero() {
                sleep(delay).await;
            }
            let begun = lock(&self.tally).begin(source, size);
            let (tally, request) = (self.tally.clone(), request(source, self.target, self.memory.of(source), size));
            tokio::spawn(async move {
                let result = request.await;
                lock(&tally).end(&begun, result, start.elapsed());
                drop(place);
            });
        }
    }

    /// Where connections come from; the system decides when it is not one of many clients.
    fn sources(&self) -> impl Iterator<Item = Ipv4Addr> + use<> {
        let clients = self.options.clients.and_then(|clients| ClientSequence::new(clients, self.options.seed));
        clients.into_iter().flatten().map(client).chain(iter::repeat(Ipv4Addr::UNSPECIFIED))
    }
}

/// Counting does not panic half-way, so what a panicked thread leaves behind is still right.
fn lock(tally: &Mutex<Tally>) -> MutexGuard<'_, Tally> {
    tally.lock().unwrap_or_else(PoisonError::into_inner)
}
