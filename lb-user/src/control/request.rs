//! A request on a connection of its own, whatever that is made of.

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::{Method, Request, Response, header};
use hyper_util::rt::TokioIo;
use std::error::Error;
use std::iter;
use tokio::io::{AsyncRead, AsyncWrite};

/// Sends a request with JSON in its body; returns the answer, whose body may not be there yet.
///
/// # Errors
/// When the other end hangs up, or answers something else than HTTP.
pub(crate) async fn send<S>(stream: S, method: Method, path: &str, body: Vec<u8>) -> Result<Response<Incoming>, String>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let broken = |error: hyper::Error| format!("the agent hung up: {}", causes(&error));
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
    // It ends with the answer, or with the error that the answer ends with.
    tokio::spawn(connection);
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::HOST, "handoff")
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::CONNECTION, "close")
        .body(Full::new(Bytes::from(body)))
        .map_err(|error| error.to_string())?;
    sender.send_request(request).await.map_err(broken)
}

/// An error with what has caused it.
pub(crate) fn causes(error: &(dyn Error + 'static)) -> String {
    iter::successors(Some(error), |&error| error.source()).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
