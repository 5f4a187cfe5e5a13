use anyhow::{Result, anyhow};
use lb_user::lab::Namespace;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::sync::oneshot;
use tokio::time::{MissedTickBehavior, interval, timeout};

/// How long a client waits for its server.
const PATIENCE: Duration = Duration::from_secs(2);

/// Clients that open a connection each, at a steady rate, and read the name that its server says.
#[derive(Debug)]
pub struct Visitors {
    visits: Arc<Mutex<Vec<Visit>>>,
    stop: oneshot::Sender<()>,
    thread: JoinHandle<io::Result<()>>,
}

/// What became of a client.
#[derive(Clone, Debug)]
pub struct Visit {
    /// When it came.
    pub began: Instant,
    /// Who answered, or what went wrong.
    pub server: Result<String, String>,
}

impl Visitors {
    /// Sends `rate` clients a second to `address`, from `namespace`.
    ///
    /// # Errors
    /// When the system has no thread left.
    pub fn start(namespace: &Namespace, address: impl Into<SocketAddr>, rate: u32) -> Result<Self> {
        let (visits, (stop, stopped)) = (Arc::<Mutex<Vec<Visit>>>::default(), oneshot::channel());
        let (namespace, address, kept) = (namespace.clone(), address.into(), visits.clone());
        let thread = std::thread::Builder::new().spawn(move || {
            let run =
                || Builder::new_current_thread().enable_all().build()?.block_on(come(address, rate, kept, stopped));
            namespace.run(run).map_err(io::Error::other)?
        })?;
        Ok(Self { visits, stop, thread })
    }

    /// What became of the clients so far.
    pub fn visits(&self) -> Vec<Visit> {
        self.visits.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Sends no more, waits for those that are there, and says what became of all.
    ///
    /// # Errors
    /// When there was no network to send them to.
    pub fn finish(self) -> Result<Vec<Visit>> {
        // It may have ended by itself, which joining it tells.
        let _ = self.stop.send(());
        self.thread.join().map_err(|_| anyhow!("the clients panicked"))??;
        Ok(self.visits.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

async fn come(
    address: SocketAddr,
    rate: u32,
    visits: Arc<Mutex<Vec<Visit>>>,
    mut stopped: oneshot::Receiver<()>,
) -> io::Result<()> {
    let mut pace = interval(Duration::from_secs(1) / rate);
    pace.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut open = tokio::task::JoinSet::new();
    loop {
        tokio::select! {
            _ = &mut stopped => break,
            _ = pace.tick() => {
                let visits = visits.clone();
                open.spawn(async move {
                    let began = Instant::now();
                    let server = match timeout(PATIENCE, visit(address)).await {
                        Ok(answered) => answered.map_err(|error| error.to_string()),
                        Err(_) => Err("nobody answered".to_owned()),
                    };
                    visits.lock().unwrap_or_else(PoisonError::into_inner).push(Visit { began, server });
                });
            }
        }
    }
    while open.join_next().await.is_some() {}
    Ok(())
}

async fn visit(address: SocketAddr) -> io::Result<String> {
    let mut connection = TcpStream::connect(address).await?;
    let mut name = String::new();
    connection.read_to_string(&mut name).await?;
    connection.shutdown().await?;
    if name.is_empty() { Err(io::Error::other("nothing was said")) } else { Ok(name.trim_end().to_owned()) }
}
