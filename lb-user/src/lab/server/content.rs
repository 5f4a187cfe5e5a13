use hyper::body::{Body, Bytes, Frame, SizeHint};
use hyper::header::{HeaderValue, InvalidHeaderValue};
use hyper::{Response, StatusCode};
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

/// The response header that says which server answered. The client would not know otherwise.
pub const SERVER_HEADER: &str = "x-handoff-server";

/// Bodies are sent in pieces of up to about this many bytes.
const PIECE: usize = 64 * 1024;

/// What a server has to say: its name, line after line, for as long as it is asked to.
#[derive(Debug)]
pub(super) struct Content {
    name: HeaderValue,
    line: usize,
    lines: Bytes,
    sent: Arc<AtomicU64>,
}

impl Content {
    /// The content of the server called `name`, which counts the bytes of its bodies in `sent`.
    pub(super) fn new(name: &str, sent: Arc<AtomicU64>) -> Result<Self, InvalidHeaderValue> {
        let line = format!("{name}\n");
        let lines = Bytes::from(line.repeat(PIECE / line.len()));
        Ok(Self { name: HeaderValue::from_str(name)?, line: line.len(), lines, sent })
    }

    /// The answer to a request for `path`.
    pub(super) fn answer(&self, path: &str) -> Response<Lines> {
        let size = match path {
            "/" => Some(self.line as u64),
            path => path.strip_prefix("/bytes/").and_then(|size| size.parse().ok()),
        };
        let body = Lines { lines: self.lines.clone(), left: size.unwrap_or(0), sent: self.sent.clone() };
        let mut response = Response::new(body);
        response.headers_mut().insert(SERVER_HEADER, self.name.clone());
        if size.is_none() {
            *response.status_mut() = StatusCode::NOT_FOUND;
        }
        response
    }
}

/// A response body: the server's name, line after line.
#[derive(Debug)]
pub(super) struct Lines {
    lines: Bytes,
    left: u64,
    sent: Arc<AtomicU64>,
}

impl Body for Lines {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let piece = self.lines.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        self.left -= piece as u64;
        self.sent.fetch_add(piece as u64, Ordering::Relaxed);
        Poll::Ready(Some(Ok(Frame::data(self.lines.slice(..piece)))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt;

    fn body(path: &str) -> (StatusCode, Bytes, u64) {
        let sent = Arc::new(AtomicU64::new(0));
        let response = Content::new("server-1", sent.clone()).unwrap().answer(path);
        let status = response.status();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let Ok(body) = runtime.block_on(response.into_body().collect());
        (status, body.to_bytes(), sent.load(Ordering::Relaxed))
    }

    #[test]
    fn a_body_is_as_long_as_the_path_says() {
        for size in [0, 1, 9, 65_529, 200_000] {
            let (status, body, sent) = body(&format!("/bytes/{size}"));
            assert_eq!((status, body.len() as u64, sent), (StatusCode::OK, size, size));
        }
        assert_eq!(body("/bytes/12").1, "server-1\nser");
    }

    #[test]
    fn the_root_is_the_name() {
        assert_eq!(body("/").1, "server-1\n");
    }

    #[test]
    fn there_is_nothing_else() {
        for path in ["", "/bytes/", "/bytes/-1", "/bytes/1x", "/favicon.ico"] {
            assert_eq!(body(path).0, StatusCode::NOT_FOUND, "{path}");
        }
    }
}
