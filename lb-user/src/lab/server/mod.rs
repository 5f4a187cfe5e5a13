mod content;
mod handshake;

pub use content::SERVER_HEADER;
pub use handshake::{Cost, Handshakes};

use super::topology::SERVICE;
use super::{Error, Namespace};
use arc_swap::ArcSwap;
use content::Content;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use std::convert::Infallible;
use std::future::ready;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use tokio::io::{AsyncWriteExt, copy, sink};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tracing::debug;

/// Connections that may wait to be accepted.
const BACKLOG: u32 = 4_096;
/// How long a client may take to close its end of a connection.
const PATIENCE: Duration = Duration::from_secs(5);

/// A real server: HTTPS on the port of the service, in a thread of its own, until it is dropped.
///
/// `/bytes/N` answers with N bytes, `/` with the name of the server.
#[derive(Debug)]
pub struct Server {
    name: String,
    shared: Arc<Shared>,
    response_bytes: Arc<AtomicU64>,
    /// Nothing is ever sent; the thread ends when this is dropped.
    alive: Option<oneshot::Sender<Infallible>>,
    thread: Option<JoinHandle<()>>,
}

/// What a server and its thread share.
#[derive(Debug)]
struct Shared {
    tls: ArcSwap<ServerConfig>,
    connections: AtomicU64,
    handshakes: Mutex<Handshakes>,
}

impl Server {
    /// Starts the server called `name` in `namespace`. It accepts connections when this returns.
    ///
    /// # Errors
    /// When the namespace is gone, or the port is taken.
    pub fn start(namespace: &Namespace, name: &str, tls: Arc<ServerConfig>) -> Result<Self, Error> {
        let failed = Error::process("cannot start a server");
        let response_bytes = Arc::new(AtomicU64::new(0));
        let start = || {
            let runtime = Builder::new_current_thread().enable_all().build()?;
            let listener = listen(&runtime)?;
            let content = Content::new(name, response_bytes.clone()).map_err(io::Error::other)?;
            Ok((runtime, listener, content))
        };
        // A socket stays in the namespace that it was made in, whichever thread uses it.
        let (runtime, listener, content) = namespace.run(start)?.map_err(failed)?;

        let shared =
            Arc::new(Shared { tls: ArcSwap::new(tls), connections: AtomicU64::new(0), handshakes: Mutex::default() });
        let accepting = accept(listener, content.into(), shared.clone());
        let (alive, ended) = oneshot::channel();
        let until_dropped = async {
            tokio::select! {
                () = accepting => {}
                _ = ended => {}
            }
        };
        let thread = thread::Builder::new().name(name.to_owned());
        let thread = thread.spawn(move || runtime.block_on(until_dropped)).map_err(failed)?;
        Ok(Self { name: name.to_owned(), shared, response_bytes, alive: Some(alive), thread: Some(thread) })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Connections that it has accepted.
    pub fn connections(&self) -> u64 {
        self.shared.connections.load(Ordering::Relaxed)
    }

    /// TLS handshakes that it has completed.
    pub fn handshakes(&self) -> Handshakes {
        *self.shared.handshakes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has connections that are accepted from now on served with `tls`.
    pub fn configure(&self, tls: Arc<ServerConfig>) {
        self.shared.tls.store(tls);
    }

    /// Bytes of response bodies that it has sent.
    pub fn response_bytes(&self) -> u64 {
        self.response_bytes.load(Ordering::Relaxed)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.alive.take());
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was reported when it happened.
            let _ = thread.join();
        }
    }
}

fn listen(runtime: &Runtime) -> io::Result<TcpListener> {
    let _reactor = runtime.enter();
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(SocketAddr::from((Ipv4Addr::UNSPECIFIED, SERVICE.port())))?;
    socket.listen(BACKLOG)
}

async fn accept(listener: TcpListener, content: Arc<Content>, shared: Arc<Shared>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                // Without it, small responses wait for acknowledgements of what came before them. They would arrive all the same.
                let _ = stream.set_nodelay(true);
                shared.connections.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(converse(stream, content.clone(), shared.clone()));
            }
            Err(error) => {
                debug!(%error, "a connection could not be accepted");
                // If the process has too many files open, trying again at once would keep it from closing any.
                sleep(Duration::from_millis(10)).await;
            }
        }
    }
}

/// One connection. What goes wrong with it is the client's to report.
async fn converse(stream: TcpStream, content: Arc<Content>, shared: Arc<Shared>) {
    let acceptor = TlsAcceptor::from(shared.tls.load_full());
    let answer =
        service_fn(|request: Request<Incoming>| ready(Ok::<_, Infallible>(content.answer(request.uri().path()))));
    let conversation = async {
        let stream = handshake::accept(&acceptor, stream, &shared.handshakes).await?;
        let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), answer);
        let mut stream = connection.without_shutdown().await.map_err(io::Error::other)?.io.into_inner();
        stream.shutdown().await?;
        // If the client's end of the connection found nobody reading, it would be answered with a reset, and the balancer would
        // never learn that the flow is over.
        timeout(PATIENCE, copy(&mut stream, &mut sink())).await?
    };
    if let Err(error) = conversation.await {
        debug!(%error, "a connection failed");
    }
}
