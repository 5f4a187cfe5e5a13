use super::{Error, MOST, driving, tls};
use crate::config::{HttpProbe, Tls};
use crate::health::socket;
use crate::health::target::Target;
use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::{CONNECTION, HOST, USER_AGENT};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use std::net::{IpAddr, SocketAddr};
use tokio::io::{AsyncRead, AsyncWrite};

/// Most bytes of an answer's head.
const HEAD: usize = 16 << 10;

/// Whether the target answers a request as it should.
pub(super) async fn probe(target: &Target, http: &HttpProbe, tls: Option<&Tls>) -> Result<(), Error> {
    let request = request(target, http, tls.is_some())?;
    match tls {
        None => exchange(socket::tcp(target.address, target.mark).await?, request, http).await,
        Some(tls) => exchange(tls::connect(target, tls, &["http/1.1"]).await?, request, http).await,
    }
}

fn request(target: &Target, http: &HttpProbe, is_tls: bool) -> Result<Request<Empty<Bytes>>, Error> {
    let host = http.host.as_ref().map_or_else(|| host(target.endpoint(), is_tls), ToString::to_string);
    let request = Request::builder()
        .method(&http.method)
        .uri(http.path.as_str())
        .header(HOST, host)
        .header(USER_AGENT, concat!("handoff/", env!("CARGO_PKG_VERSION")))
        .header(CONNECTION, "close");
    Ok(request.body(Empty::new())?)
}

/// What a client calls the endpoint, which leaves out the usual port.
fn host(endpoint: SocketAddr, is_tls: bool) -> String {
    match (endpoint.ip(), endpoint.port()) {
        (IpAddr::V4(address), 80) if !is_tls => address.to_string(),
        (IpAddr::V4(address), 443) if is_tls => address.to_string(),
        (IpAddr::V6(address), 80) if !is_tls => format!("[{address}]"),
        (IpAddr::V6(address), 443) if is_tls => format!("[{address}]"),
        _ => endpoint.to_string(),
    }
}

async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    request: Request<Empty<Bytes>>,
    http: &HttpProbe,
) -> Result<(), Error> {
    let (mut sender, connection) = http1::Builder::new().max_buf_size(HEAD).handshake(TokioIo::new(stream)).await?;
    driving(connection, async { judge(sender.send_request(request).await?, http).await }).await
}

async fn judge(answer: Response<Incoming>, http: &HttpProbe) -> Result<(), Error> {
    let status = answer.status().as_u16();
    if !http.status.contain(status) {
        return Err(Error::Status { status, expected: http.status.clone() });
    }
    match &http.body {
        None => Ok(()),
        Some(expected) => find(expected, answer.into_body()).await,
    }
}

/// Reads the body until it holds what is expected.
async fn find(expected: &str, mut body: Incoming) -> Result<(), Error> {
    let mut read = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        // What came before and has been searched, but for a part of what is expected at its end.
        let from = read.len().saturating_sub(expected.len());
        read.extend_from_slice(&data[..data.len().min(MOST - read.len())]);
        if read[from..].windows(expected.len()).any(|window| window == expected.as_bytes()) {
            return Ok(());
        }
        if read.len() == MOST {
            return Err(Error::LongBody { expected: expected.to_owned() });
        }
    }
    Err(Error::Body(expected.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Probe, Statuses};
    use crate::health::probe::testing::{INSECURE, Identity, nobody, saying, server, target, told, told_of, told_soon};
    use hyper::Method;
    use hyper::http::uri::{Authority, PathAndQuery};
    use std::future;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;
    use tokio::sync::mpsc;

    fn get() -> HttpProbe {
        let path = PathAndQuery::from_static("/health");
        HttpProbe { method: Method::GET, path, host: None, status: Statuses::default(), body: None }
    }

    /// A request to a target whose answer has `body` in it.
    fn with_body(body: &str) -> Probe {
        Probe::Http(HttpProbe { body: Some(body.to_owned()), ..get() }, None)
    }

    #[tokio::test]
    async fn the_status_decides() {
        let asked = || Probe::Http(get(), None);
        assert_eq!(told(saying(&["HTTP/1.1 204 No Content\r\n\r\n"]).await, asked()).await, "");
        // Nobody waits for the body.
        assert_eq!(told(saying(&["HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"]).await, asked()).await, "");
        let error = told(saying(&["HTTP/1.1 503 Service Unavailable\r\n\r\n"]).await, asked()).await;
        assert_eq!(error, "status 503, expected 200-299");
        let moved = HttpProbe { status: Statuses(vec![301..=302]), ..get() };
        let address = saying(&["HTTP/1.0 301 Moved Permanently\r\nLocation: https://www.example.com/\r\n\r\n"]).await;
        assert_eq!(told(address, Probe::Http(moved, None)).await, "");
    }

    #[tokio::test]
    async fn the_body_is_searched_as_far_as_it_has_to_be() {
        const HEAD: &str = "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n";
        assert_eq!(told(saying(&[HEAD, "all f", "ine"]).await, with_body("fine")).await, "");
        let error = told(saying(&[HEAD, "all bad!"]).await, with_body("fine")).await;
        assert_eq!(error, "\"fine\" is not in the answer's body");
        assert_eq!(told_soon(saying(&[HEAD, "all"]).await, with_body("fine")).await, "no answer within 200ms");
    }

    #[tokio::test]
    async fn an_endless_body_is_not_read_to_its_end() {
        let address = server(async |mut stream: TcpStream| {
            let _ = stream.read(&mut [0; 1_024]).await;
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
            while stream.write_all(&[b'x'; 4_096]).await.is_ok() {}
        })
        .await;
        let error = told(address, with_body("fine")).await;
        assert_eq!(error, "\"fine\" is not in the first 64 KiB of the answer's body");
    }

    #[tokio::test]
    async fn who_does_not_speak_http_is_not_healthy() {
        let asked = || Probe::Http(get(), None);
        assert_eq!(told(nobody().await, asked()).await, "connection refused");
        assert_eq!(told_soon(saying(&[]).await, asked()).await, "no answer within 200ms");
        let error = told(saying(&["SSH-2.0-OpenSSH_9.2\r\n"]).await, asked()).await;
        assert_eq!(error, "no answer in HTTP: invalid HTTP version parsed");
        let error = told(server(|_| future::ready(())).await, asked()).await;
        assert!(error.starts_with("no answer in HTTP: con"), "{error}");
        let address = server(async |mut stream: TcpStream| {
            let _ = stream.read(&mut [0; 1_024]).await;
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n").await;
            while stream.write_all(b"X: y\r\n").await.is_ok() {}
        })
        .await;
        let error = told(address, asked()).await;
        assert!(error.starts_with("no answer in HTTP: message head is too large"), "{error}");
    }

    #[tokio::test]
    async fn the_request_is_as_it_should_be() {
        let (requests, mut received) = mpsc::unbounded_channel();
        let address = server(move |mut stream: TcpStream| {
            let requests = requests.clone();
            async move {
                let mut request = [0; 1_024];
                let len = stream.read(&mut request).await.unwrap_or(0);
                let _ = requests.send(String::from_utf8_lossy(&request[..len]).into_owned());
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
            }
        })
        .await;
        let version = env!("CARGO_PKG_VERSION");
        assert_eq!(told(address, Probe::Http(get(), None)).await, "");
        let expected = format!(
            "GET /health HTTP/1.1\r\nhost: {address}\r\nuser-agent: handoff/{version}\r\nconnection: close\r\n\r\n"
        );
        assert_eq!(received.recv().await, Some(expected));
        let host = Some(Authority::from_static("www.example.com"));
        let path = PathAndQuery::from_static("/?full");
        let head = HttpProbe { method: Method::HEAD, path, host, ..get() };
        assert_eq!(told(address, Probe::Http(head, None)).await, "");
        let expected = format!(
            "HEAD /?full HTTP/1.1\r\nhost: www.example.com\r\nuser-agent: handoff/{version}\r\nconnection: close\r\n\r\n"
        );
        assert_eq!(received.recv().await, Some(expected));
    }

    #[tokio::test]
    async fn the_request_may_be_sent_over_tls() {
        let identity = Identity::new();
        let acceptor = identity.acceptor(&["h2", "http/1.1"]);
        let address = server(move |stream| {
            let acceptor = acceptor.clone();
            async move {
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
                let _ = stream.read(&mut [0; 1_024]).await;
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
            }
        })
        .await;
        assert_eq!(told(address, Probe::Http(get(), Some(identity.trusted("www.example.com")))).await, "");
        assert_eq!(told(address, Probe::Http(get(), Some(INSECURE))).await, "");
        let error = told(address, Probe::Http(get(), Some(identity.trusted("www.example.net")))).await;
        assert!(error.starts_with("no TLS handshake: "), "{error}");
    }

    #[tokio::test]
    async fn a_target_is_told_by_its_vip() {
        let mut target = target(saying(&["HTTP/1.1 200 OK\r\n\r\n"]).await, Probe::Http(get(), None));
        target.vip = "2001:db8::10".parse().expect("an address");
        let host = request(&target, &get(), false).expect("a request").headers()[HOST].clone();
        assert_eq!(host, format!("[2001:db8::10]:{}", target.address.port()).as_str());
        assert_eq!(told_of(&target).await, "");
        assert_eq!(super::host("192.0.2.10:443".parse().expect("an address"), true), "192.0.2.10");
        assert_eq!(super::host("[2001:db8::10]:80".parse().expect("an address"), false), "[2001:db8::10]");
    }
}
