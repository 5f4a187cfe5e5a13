use anyhow::Result;
use lb_user::lab::Namespace;
use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::sync::Arc;
use tokio::io::AsyncWriteExt;
use tokio::net;
use tokio::runtime::{Builder, Runtime};

/// A server that says its name to whoever asks, until it is dropped. The lab's own servers speak HTTPS only.
#[derive(Debug)]
pub struct Responder {
    /// Its task ends with it.
    _runtime: Runtime,
}

impl Responder {
    /// Sends its name to everyone who connects to `port` in `namespace`, line after line, `lines` times.
    ///
    /// # Errors
    /// When the port is taken.
    pub fn tcp(namespace: &Namespace, port: u16, name: &str, lines: usize) -> Result<Self> {
        let listener = namespace.run(|| TcpListener::bind(("0.0.0.0", port)))??;
        listener.set_nonblocking(true)?;
        let body: Arc<str> = format!("{name}\n").repeat(lines).into();
        Self::run(move || async move {
            let listener = net::TcpListener::from_std(listener)?;
            loop {
                let (mut stream, _) = listener.accept().await?;
                let body = body.clone();
                tokio::spawn(async move { stream.write_all(body.as_bytes()).await });
            }
        })
    }

    /// Sends its name back to whoever sends a datagram to `address` in `namespace`.
    ///
    /// # Errors
    /// When the port is taken.
    pub fn udp(namespace: &Namespace, address: impl Into<SocketAddr>, name: &str) -> Result<Self> {
        let address = address.into();
        let socket = namespace.run(|| UdpSocket::bind(address))??;
        socket.set_nonblocking(true)?;
        let name = name.to_owned();
        Self::run(move || async move {
            let socket = net::UdpSocket::from_std(socket)?;
            loop {
                let (_, client) = socket.recv_from(&mut [0; 64]).await?;
                socket.send_to(name.as_bytes(), client).await?;
            }
        })
    }

    /// Serves until it is dropped.
    pub(super) fn run<F>(serve: impl FnOnce() -> F + Send + 'static) -> Result<Self>
    where
        F: Future<Output = io::Result<()>> + Send + 'static,
    {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        runtime.spawn(async move { serve().await });
        Ok(Self { _runtime: runtime })
    }
}
