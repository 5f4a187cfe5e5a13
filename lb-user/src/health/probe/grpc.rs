//! `grpc.health.v1.Health/Check`, over HTTP/2.

use super::{Error, MOST, driving, tls};
use crate::config::{GrpcProbe, Tls};
use crate::health::socket;
use crate::health::target::Target;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http2;
use hyper::header::{CONTENT_TYPE, HeaderMap, TE, USER_AGENT};
use hyper::{Method, Request, Response, StatusCode, Version};
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message;
use tokio::io::{AsyncRead, AsyncWrite};

/// In front of a message: whether it is compressed, and its length.
const PREFIX: usize = 5;
/// Most bytes of an answer's headers.
const HEADERS: u32 = 16 << 10;

/// Whether the target says that it serves.
pub(super) async fn probe(target: &Target, grpc: &GrpcProbe, tls: Option<&Tls>) -> Result<(), Error> {
    let scheme = if tls.is_some() { "https" } else { "http" };
    let request = request(target, grpc, scheme)?;
    match tls {
        None => exchange(socket::tcp(target.address, target.mark).await?, request).await,
        Some(tls) => exchange(tls::connect(target, tls, &["h2"]).await?, request).await,
    }
}

fn request(target: &Target, grpc: &GrpcProbe, scheme: &str) -> Result<Request<Full<Bytes>>, Error> {
    let message = HealthCheckRequest { service: grpc.service.clone() }.encode_to_vec();
    let prefix = [&[0], &(message.len() as u32).to_be_bytes()[..]].concat();
    let request = Request::builder()
        .version(Version::HTTP_2)
        .method(Method::POST)
        .uri(format!("{scheme}://{}/grpc.health.v1.Health/Check", target.endpoint()))
        .header(CONTENT_TYPE, "application/grpc")
        .header(TE, "trailers")
        .header(USER_AGENT, concat!("handoff/", env!("CARGO_PKG_VERSION")));
    Ok(request.body(Full::from([prefix, message].concat()))?)
}

async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: Request<Full<Bytes>>,
) -> Result<(), Error> {
    let (mut sender, connection) = http2::Builder::new(TokioExecutor::new())
        .max_header_list_size(HEADERS)
        .initial_stream_window_size(MOST as u32)
        .handshake(TokioIo::new(stream))
        .await?;
    driving(connection, async { judge(sender.send_request(request).await?).await }).await
}

async fn judge(answer: Response<Incoming>) -> Result<(), Error> {
    if answer.status() != StatusCode::OK {
        return Err(Error::Grpc(format!("HTTP status {}", answer.status().as_u16())));
    }
    // Who has nothing to say sends the trailers at once, as headers.
    let mut trailers = answer.headers().clone();
    let mut data = Vec::new();
    let mut body = answer.into_body();
    while let Some(frame) = body.frame().await {
        match frame?.into_data() {
            Ok(part) if data.len() + part.len() <= MOST => data.extend_from_slice(&part),
            Ok(_) => return Err(Error::Grpc(format!("more than {} KiB", MOST >> 10))),
            Err(frame) => trailers.extend(frame.into_trailers().unwrap_or_default()),
        }
    }
    succeeded(&trailers)?;
    match serving(&data)? {
        ServingStatus::Serving => Ok(()),
        ServingStatus::Unknown => Err(Error::NotServing("in an unknown state")),
        ServingStatus::NotServing => Err(Error::NotServing("not serving")),
        ServingStatus::ServiceUnknown => Err(Error::NotServing("without such a service")),
    }
}

fn succeeded(trailers: &HeaderMap) -> Result<(), Error> {
    let text = |key| trailers.get(key).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    match text("grpc-status") {
        None => Err(Error::Grpc("it has no status".to_owned())),
        Some(status) if status == "0" => Ok(()),
        Some(status) => {
            let message = text("grpc-message").map_or_else(String::new, |message| format!(" ({message})"));
            Err(Error::GrpcStatus(status + &message))
        }
    }
}

fn serving(data: &[u8]) -> Result<ServingStatus, Error> {
    let message = match data.split_first_chunk::<PREFIX>() {
        Some(([0, len @ ..], message)) if u32::from_be_bytes(*len) as usize == message.len() => message,
        _ => return Err(Error::Grpc("it holds no message".to_owned())),
    };
    let answer = HealthCheckResponse::decode(message).map_err(|error| Error::Grpc(error.to_string()))?;
    Ok(answer.status())
}

#[derive(Clone, PartialEq, Message)]
struct HealthCheckRequest {
    #[prost(string, tag = "1")]
    service: String,
}

#[derive(Clone, PartialEq, Message)]
struct HealthCheckResponse {
    #[prost(enumeration = "ServingStatus", tag = "1")]
    status: i32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, prost::Enumeration)]
enum ServingStatus {
    Unknown = 0,
    Serving = 1,
    NotServing = 2,
    ServiceUnknown = 3,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Probe;
    use crate::health::probe::testing::{INSECURE, Identity, nobody, saying, server, told, told_soon};
    use futures_util::stream;
    use http_body_util::StreamBody;
    use http_body_util::combinators::BoxBody;
    use hyper::body::Frame;
    use hyper::server::conn::http2;
    use hyper::service::service_fn;
    use std::convert::Infallible;
    use std::net::SocketAddr;

    type Answer = Response<BoxBody<Bytes, Infallible>>;

    fn check(service: &str) -> Probe {
        Probe::Grpc(GrpcProbe { service: service.to_owned() }, None)
    }

    /// An answer of these pieces, and a status in its trailers.
    fn answer(pieces: Vec<Vec<u8>>, status: &'static str) -> Answer {
        let trailers =
            HeaderMap::from_iter([("grpc-status".parse().expect("a name"), status.parse().expect("a value"))]);
        let frames = pieces.into_iter().map(|piece| Frame::data(Bytes::from(piece))).chain([Frame::trailers(trailers)]);
        Response::new(BodyExt::boxed(StreamBody::new(stream::iter(frames.map(Ok)))))
    }

    /// An answer with this status of a service.
    fn saying_status(status: ServingStatus) -> Answer {
        let message = HealthCheckResponse { status: status.into() }.encode_to_vec();
        answer(vec![vec![0, 0, 0, 0], vec![message.len() as u8], message], "0")
    }

    /// What a server says of the service that is asked about.
    async fn say(request: Request<Incoming>) -> Result<Answer, Infallible> {
        assert_eq!(request.uri().path(), "/grpc.health.v1.Health/Check");
        let body = request.into_body().collect().await.expect("a body").to_bytes();
        let asked = HealthCheckRequest::decode(&body[PREFIX..]).expect("a message").service;
        Ok(match asked.as_str() {
            "" => saying_status(ServingStatus::Serving),
            "late" => saying_status(ServingStatus::NotServing),
            "garbage" => answer(vec![vec![0, 0, 0, 0, 3, 0xff, 0xff, 0xff]], "0"),
            "short" => answer(vec![vec![0, 0, 0, 0, 9, 8]], "0"),
            "long" => answer(vec![vec![0; 40_000]; 3], "0"),
            "unauthenticated" => {
                let mut answer = answer(Vec::new(), "16");
                *answer.status_mut() = StatusCode::UNAUTHORIZED;
                answer
            }
            _ => {
                let mut answer = Response::new(BodyExt::boxed(StreamBody::new(stream::iter([]))));
                answer.headers_mut().insert("grpc-status", "5".parse().expect("a value"));
                answer.headers_mut().insert("grpc-message", "unknown service".parse().expect("a value"));
                answer
            }
        })
    }

    async fn speaking_grpc() -> SocketAddr {
        server(async |stream| {
            let _ =
                http2::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service_fn(say)).await;
        })
        .await
    }

    #[tokio::test]
    async fn what_the_server_says_decides() {
        let address = speaking_grpc().await;
        for (service, expected) in [
            ("", ""),
            ("late", "it says that it is not serving"),
            ("unknown", "gRPC status 5 (unknown service)"),
            ("unauthenticated", "no answer in gRPC: HTTP status 401"),
            ("short", "no answer in gRPC: it holds no message"),
            ("long", "no answer in gRPC: more than 64 KiB"),
        ] {
            assert_eq!(told(address, check(service)).await, expected, "{service:?}");
        }
        let error = told(address, check("garbage")).await;
        assert!(error.starts_with("no answer in gRPC: failed to decode"), "{error}");
    }

    #[tokio::test]
    async fn who_does_not_speak_grpc_is_not_healthy() {
        assert_eq!(told(nobody().await, check("")).await, "connection refused");
        assert_eq!(told_soon(saying(&[]).await, check("")).await, "no answer within 200ms");
        let error = told(saying(&["HTTP/1.1 400 Bad Request\r\n\r\n"]).await, check("")).await;
        assert!(error.starts_with("no answer in HTTP: http2 error"), "{error}");
    }

    #[tokio::test]
    async fn the_question_may_be_sent_over_tls() {
        let identity = Identity::new();
        let acceptor = identity.acceptor(&["http/1.1", "h2"]);
        let address = server(move |stream| {
            let acceptor = acceptor.clone();
            async move {
                let Ok(stream) = acceptor.accept(stream).await else { return };
                let builder = http2::Builder::new(TokioExecutor::new());
                let _ = builder.serve_connection(TokioIo::new(stream), service_fn(say)).await;
            }
        })
        .await;
        let over = |tls| Probe::Grpc(GrpcProbe { service: String::new() }, Some(tls));
        assert_eq!(told(address, over(identity.trusted("www.example.com"))).await, "");
        assert_eq!(told(address, over(INSECURE)).await, "");
        let error = told(address, over(Identity::new().trusted("www.example.com"))).await;
        assert!(error.starts_with("no TLS handshake: "), "{error}");
    }
}
