use super::MOST;
use crate::config::Statuses;
use std::error::Error as _;
use std::io::{self, ErrorKind};
use std::time::Duration;

/// Why a target is not healthy, for an operator.
#[derive(Debug, thiserror::Error)]
pub(in crate::health) enum Error {
    /// It did not answer in time.
    #[error("no answer within {}", humantime::format_duration(*.0))]
    Silence(Duration),
    /// It, or the network, refuses.
    #[error("{}", cause(.0))]
    Connection(#[from] io::Error),
    /// It does not shake hands.
    #[error("no TLS handshake: {}", cause(.0))]
    Handshake(io::Error),
    /// The machinery of TLS refuses.
    #[error("no TLS: {0}")]
    Tls(#[from] rustls::Error),
    /// What is asked cannot be sent.
    #[error("the request cannot be sent: {0}")]
    Request(#[from] hyper::http::Error),
    /// What it answers is no HTTP.
    #[error("no answer in HTTP: {}", with_sources(.0))]
    Http(#[from] hyper::Error),
    /// It answers with another status.
    #[error("status {status}, expected {expected}")]
    Status {
        /// The one that it answers with.
        status: u16,
        /// Those that mean health.
        expected: Statuses,
    },
    /// The body ends without what is expected.
    #[error("{0:?} is not in the answer's body")]
    Body(String),
    /// The body is too long.
    #[error("{expected:?} is not in the first {} KiB of the answer's body", MOST >> 10)]
    LongBody {
        /// What is expected.
        expected: String,
    },
    /// The datagram lacks what is expected.
    #[error("an answer of {0} bytes without what is expected")]
    Datagram(usize),
    /// What it answers is no DNS message.
    #[error("no answer in DNS: {0}")]
    Dns(String),
    /// It answers in another way.
    #[error("rcode {rcode}, expected {expected}")]
    Rcode {
        /// How it answers.
        rcode: String,
        /// What means health.
        expected: String,
    },
    /// What it answers is no gRPC.
    #[error("no answer in gRPC: {0}")]
    Grpc(String),
    /// It answers with an error.
    #[error("gRPC status {0}")]
    GrpcStatus(String),
    /// It says that it does not serve.
    #[error("it says that it is {0}")]
    NotServing(&'static str),
    /// The program cannot be started.
    #[error("cannot run {program}: {source}")]
    Start {
        /// The program.
        program: String,
        /// Why.
        source: io::Error,
    },
    /// The program says no.
    #[error("{how}{}", said(last_line))]
    Exit {
        /// How it ended.
        how: String,
        /// The last that it said.
        last_line: String,
    },
}

/// What an operator calls it: "connection refused", without the number.
fn cause(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::Other | ErrorKind::InvalidData => error.to_string(),
        kind if error.raw_os_error().is_some() => kind.to_string(),
        _ => error.to_string(),
    }
}

fn with_sources(error: &hyper::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

fn said(last_line: &str) -> String {
    if last_line.is_empty() { String::new() } else { format!(": {last_line}") }
}
