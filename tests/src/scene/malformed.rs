use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// Routes of the API, and some that are none.
const PATHS: [&str; 8] =
    ["/v1/status", "/v1/services", "/v1/backends", "/v1/counters", "/v1/stop", "/v1/plan", "/v2/status", "/"];

/// Requests that no server should take, the same for the same seed. None of them, nor what a server could make of it, is one that would
/// change an agent.
#[derive(Debug)]
pub struct Malformed {
    random: StdRng,
    made: usize,
}

impl Malformed {
    /// The sequence that belongs to `seed`.
    pub fn seeded(seed: u64) -> Self {
        Self { random: StdRng::seed_from_u64(seed), made: 0 }
    }

    fn path(&mut self) -> &'static str {
        PATHS[self.random.random_range(0..PATHS.len())]
    }

    fn bytes(&mut self, most: usize) -> Vec<u8> {
        let len = self.random.random_range(1..=most);
        (0..len).map(|_| self.random.random()).collect()
    }

    /// A request with bytes changed at random. Its body is cut short, so that no change completes it.
    fn mutated(&mut self) -> Vec<u8> {
        let mut request = with_body("POST", "/v1/stop", b"{\"purge\": tr");
        for _ in 0..self.random.random_range(1..8) {
            let at = self.random.random_range(0..request.len());
            request[at] = self.random.random();
        }
        request
    }

    fn bad_body(&mut self) -> Vec<u8> {
        let bodies: [&[u8]; 8] = [
            b"",
            b"{",
            b"{\"purge\": \"yes\"}",
            b"{\"purge\": 1}",
            b"[]",
            b"null",
            b"{\"purge\": true, \"purge\": true}",
            b"\xff\xfe{\"purge\": true}",
        ];
        let deep = [b'['; 10_000];
        let body = bodies.get(self.random.random_range(0..=bodies.len())).copied().unwrap_or(&deep);
        with_body("POST", "/v1/stop", body)
    }

    fn bad_length(&mut self) -> Vec<u8> {
        let headers = [
            "Content-Length: -1",
            "Content-Length: 99999999999999999999999",
            "Content-Length: 1000000000000",
            "Content-Length: ten",
            "Content-Length: 3\r\nContent-Length: 4",
            "Content-Length: 4\r\nTransfer-Encoding: chunked",
            "Transfer-Encoding: chunked, chunked",
            "Transfer-Encoding: gzip",
        ];
        let header = headers[self.random.random_range(0..headers.len())];
        format!("POST /v1/stop HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n{header}\r\n\r\n{{\"pu").into()
    }

    fn bad_chunks(&mut self) -> Vec<u8> {
        let head =
            "POST /v1/stop HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
        let chunks =
            ["zz\r\n", "ffffffffffffffffff\r\n{", "2\r\n{}", "3\r\n{\"p\r\n-1\r\n", "0\r\nTrailer", "5;x=\"\r\n{\"pu"];
        [head.as_bytes(), chunks[self.random.random_range(0..chunks.len())].as_bytes()].concat()
    }
}

impl Iterator for Malformed {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        let path = self.path();
        self.made += 1;
        let request = match self.made % 12 {
            0 => self.bytes(2_000),
            1 => self.mutated(),
            2 => self.bad_body(),
            3 => self.bad_length(),
            4 => self.bad_chunks(),
            5 => {
                let methods = ["BREW", "TRACE", "get", "", "G\0T", "PATCH"];
                with_body(methods[self.random.random_range(0..methods.len())], path, b"")
            }
            6 => format!("GET {path} HTTP/1.1\r\nHost: h\r\nX: {}\r\n\r\n", "x".repeat(30_000)).into(),
            7 => format!("GET {path} HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(500)).into(),
            8 => {
                let whole = format!("GET {path} HTTP/1.1\r\nHost: h\r\n\r\n");
                let len = self.random.random_range(1..whole.len());
                whole.as_bytes()[..len].to_vec()
            }
            9 => format!("GET {path}{} HTTP/1.1\r\nHost: h\r\n\r\n", "/%00..".repeat(10_000)).into(),
            10 => format!("GET {path} HTTP/{}\r\nHost: h\r\n\r\n", self.random.random_range(2..10)).into(),
            _ => b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0".to_vec(),
        };
        Some(request)
    }
}

fn with_body(method: &str, path: &str, body: &[u8]) -> Vec<u8> {
    let len = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: {len}\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}
