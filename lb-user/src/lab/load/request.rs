use crate::lab::SERVER_HEADER;
use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{CONNECTION, HOST};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use nix::sys::socket::{setsockopt, sockopt::IpBindAddressNoPort};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, HandshakeKind};
use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncWriteExt, copy, sink};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// How long the other side may be silent.
const PATIENCE: Duration = Duration::from_secs(5);

/// The kind of failure of a connection that is not with the VIP.
pub(in crate::lab) const WRONG_PEER: &str = "peer";

/// Why a request failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum RequestError {
    #[error("{doing}: no answer for {} s", PATIENCE.as_secs())]
    Timeout { doing: &'static str },
    #[error("connecting: {0}")]
    Connect(io::Error),
    #[error("connected to {0}, which is not the VIP")]
    Peer(SocketAddr),
    #[error("TLS handshake: {0}")]
    Tls(io::Error),
    #[error("{doing}: {source}")]
    Http { doing: &'static str, source: Box<dyn std::error::Error + Send + Sync> },
    #[error("the server answered {0}")]
    Status(StatusCode),
    #[error("asked for {asked} bytes, received {received}")]
    Length { asked: u64, received: u64 },
}

impl RequestError {
    /// Failures of the same kind are counted together.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Timeout { .. } => "timeout",
            Self::Connect(_) => "connect",
            Self::Peer(_) => WRONG_PEER,
            Self::Tls(_) => "tls",
            Self::Http { .. } => "http",
            Self::Status(_) => "status",
            Self::Length { .. } => "length",
        }
    }
}

/// What came of a request that succeeded.
#[derive(Debug)]
pub(super) struct Answer {
    /// The name of the server that answered.
    pub(super) server: String,
    /// Whether the server went on with an earlier session.
    pub(super) resumed: bool,
}

/// One request: a new connection from `source`, a TLS handshake, `size` bytes, and the end of the connection.
pub(super) async fn request(
    source: Ipv4Addr,
    target: SocketAddr,
    tls: Arc<ClientConfig>,
    size: u64,
) -> Result<Answer, RequestError> {
    let stream = within("connecting", connect(source, target)).await?.map_err(RequestError::Connect)?;
    let peer = stream.peer_addr().map_err(RequestError::Connect)?;
    if peer != target {
        return Err(RequestError::Peer(peer));
    }
    let handshake = TlsConnector::from(tls).connect(ServerName::from(target.ip()), stream);
    let stream = within("TLS handshake", handshake).await?.map_err(RequestError::Tls)?;
    let resumed = stream.get_ref().1.handshake_kind() == Some(HandshakeKind::Resumed);
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(http("sending the request"))?;
    let connection = tokio::spawn(connection.without_shutdown());

    let request = Request::get(format!("/bytes/{size}"))
        .header(HOST, target.to_string())
        .header(CONNECTION, "close")
        .body(Empty::<Bytes>::new())
        .map_err(http("making the request"))?;
    let response = within("waiting for the response", sender.send_request(request)).await?;
    let response = response.map_err(http("waiting for the response"))?;
    if response.status() != StatusCode::OK {
        return Err(RequestError::Status(response.status()));
    }
    let server = server(&response);
    let mut body = response.into_body();
    let mut received = 0;
    while let Some(frame) = within("reading the response", body.frame()).await? {
        let frame = frame.map_err(http("reading the response"))?;
        received += frame.data_ref().map_or(0, |data| data.len() as u64);
    }
    if received != size {
        return Err(RequestError::Length { asked: size, received });
    }
    let parts = connection.await.map_err(http("closing the connection"))?.map_err(http("closing the connection"))?;
    within("closing the connection", close(parts.io.into_inner())).await?.map_err(http("closing the connection"))?;
    Ok(Answer { server, resumed })
}

async fn connect(source: Ipv4Addr, target: SocketAddr) -> io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    // As browsers do: a request that follows the end of a handshake would wait for an acknowledgement, which waits for the request.
    socket.set_nodelay(true)?;
    // A port that is used towards one server only need not be free towards all.
    setsockopt(&socket, IpBindAddressNoPort, &true)?;
    socket.bind(SocketAddr::from((source, 0)))?;
    socket.connect(target).await
}

/// The name that the server gives itself.
fn server<B>(response: &Response<B>) -> String {
    let name = response.headers().get(SERVER_HEADER).and_then(|name| name.to_str().ok());
    name.unwrap_or_default().to_owned()
}

/// Lets the server end first: whatever arrives at a socket that is closed already is answered with a reset.
async fn close(mut stream: TlsStream<TcpStream>) -> io::Result<()> {
    copy(&mut stream, &mut sink()).await?;
    stream.shutdown().await
}

async fn within<T>(doing: &'static str, work: impl Future<Output = T>) -> Result<T, RequestError> {
    timeout(PATIENCE, work).await.map_err(|_| RequestError::Timeout { doing })
}

fn http<E>(doing: &'static str) -> impl FnOnce(E) -> RequestError
where
    E: std::error::Error + Send + Sync + 'static,
{
    move |error| RequestError::Http { doing, source: error.into() }
}
