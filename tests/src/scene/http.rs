//! HTTP by hand, for requests that no well-behaved client would send.

use std::io::{Read, Write};

/// Sends all, and returns what comes back.
pub fn send_all(stream: &mut (impl Read + Write), request: &[u8]) -> Vec<u8> {
    let mut answer = Vec::new();
    // A refusal may come before all is sent, and as a reset.
    let _ = stream.write_all(request).and_then(|()| stream.read_to_end(&mut answer));
    answer
}

/// The answer to a request, as `GET /`, with these lines of headers and this body, over a connection that ends with it.
pub fn http(stream: &mut (impl Read + Write), request: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    let request = format!("{request} HTTP/1.1\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}");
    String::from_utf8_lossy(&send_all(stream, request.as_bytes())).into_owned()
}

/// The status code of an answer; nothing if there was none.
pub fn http_status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or_default()
}
