use hickory_proto::op::ResponseCode;
use hickory_proto::rr::{Name, RecordType};
use hyper::Method;
use hyper::http::uri::{Authority, PathAndQuery};
use rustls::pki_types::{CertificateDer, ServerName};
use std::fmt;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

/// How the back-ends of a service are checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Health {
    /// What is asked of a back-end.
    pub probe: Probe,
    /// Which of its addresses is asked.
    pub via: Via,
    /// The port that is asked, in host order; never 0.
    pub port: u16,
    /// From the start of one probe to the start of the next.
    pub interval: Duration,
    /// How long an answer may take.
    pub timeout: Duration,
    /// By how much of the interval the time between two probes differs at random, up or down; 0.0 to 0.5.
    pub jitter: f64,
    /// So many probes in a row must succeed before a back-end that was down is up; at least 1.
    pub rise: u32,
    /// So many probes in a row must fail before a back-end is down; at least 1.
    pub fall: u32,
}

impl Health {
    /// Unless the configuration says otherwise. With these a back-end that falls silent is down after 0.8 s, if it does so just after it
    /// answered: a wait of 275 ms at most, a probe in vain, the next after 275 ms, and the 250 ms of that.
    pub const DEFAULT_INTERVAL: Duration = Duration::from_millis(250);
    /// As [`Health::DEFAULT_INTERVAL`].
    pub const DEFAULT_TIMEOUT: Duration = Duration::from_millis(250);
    /// As [`Health::DEFAULT_INTERVAL`].
    pub const DEFAULT_JITTER: f64 = 0.1;
    /// One more than it takes to be down: a back-end that answers every other probe stays down.
    pub const DEFAULT_RISE: u32 = 3;
    /// One lost packet is no outage.
    pub const DEFAULT_FALL: u32 = 2;
    /// What a jitter may be.
    pub const JITTERS: RangeInclusive<f64> = 0.0..=0.5;
    /// How many probes it may take to be up or down.
    pub const COUNTS: RangeInclusive<u32> = 1..=1_000;
}

/// Which address of a back-end a probe goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Via {
    /// Its own.
    Address,
    /// The VIP, by the way that clients' packets take.
    Vip,
}

impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Address => "address",
            Self::Vip => "vip",
        })
    }
}

/// What a probe asks.
#[derive(Clone, Debug, PartialEq)]
pub enum Probe {
    /// Whether it takes a TCP connection.
    Tcp,
    /// Whether it shakes hands.
    Tls(Tls),
    /// What it answers to a request; over TLS if there is any.
    Http(HttpProbe, Option<Tls>),
    /// What it answers to a datagram.
    Udp(UdpProbe),
    /// What it answers to a question.
    Dns(DnsProbe),
    /// What it says of itself by `grpc.health.v1`; over TLS if there is any.
    Grpc(GrpcProbe, Option<Tls>),
    /// What a program says of it.
    Exec(Vec<String>),
}

impl fmt::Display for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Tcp => "tcp",
            Self::Tls(_) => "tls",
            Self::Http(_, None) => "http",
            Self::Http(_, Some(_)) => "https",
            Self::Udp(_) => "udp",
            Self::Dns(_) => "dns",
            Self::Grpc(..) => "grpc",
            Self::Exec(_) => "exec",
        })
    }
}

/// How the server's certificate is checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Tls {
    /// Whose certificate is asked for (SNI), and has to be shown if it is verified. `None`: any, only with [`Trust::Anybody`].
    pub name: Option<ServerName<'static>>,
    /// Who may have signed it.
    pub trust: Trust,
}

/// Who may have signed a server's certificate.
#[derive(Clone, Debug, PartialEq)]
pub enum Trust {
    /// The authorities that this machine trusts.
    System,
    /// These alone, which a file lists.
    Authorities(PathBuf, Vec<CertificateDer<'static>>),
    /// Anybody: nothing is verified.
    Anybody,
}

/// An HTTP request, and what has to come back.
#[derive(Clone, Debug, PartialEq)]
pub struct HttpProbe {
    /// `GET`, `HEAD` or `OPTIONS`.
    pub method: Method,
    /// What is asked for.
    pub path: PathAndQuery,
    /// The `Host` that it is asked for. `None`: the VIP.
    pub host: Option<Authority>,
    /// Status codes that mean health.
    pub status: Statuses,
    /// What has to be somewhere in the first 64 KiB of the answer's body. `None`: the body is not read.
    pub body: Option<String>,
}

impl HttpProbe {
    /// Most characters of a path or a host.
    pub const MAX_LEN: usize = 1_000;
}

/// Ranges of HTTP status codes, one at least. As text: `200-299`, `200, 301-302`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statuses(pub Vec<RangeInclusive<u16>>);

impl Statuses {
    /// Whether a code is among them.
    pub fn contain(&self, code: u16) -> bool {
        self.0.iter().any(|range| range.contains(&code))
    }
}

impl Default for Statuses {
    /// Success (RFC 9110, 15.3).
    fn default() -> Self {
        Self(vec![200..=299])
    }
}

impl fmt::Display for Statuses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, range) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            match (range.start(), range.end()) {
                (first, last) if first == last => write!(f, "{separator}{first}")?,
                (first, last) => write!(f, "{separator}{first}-{last}")?,
            }
        }
        Ok(())
    }
}

/// A datagram, and what has to come back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UdpProbe {
    /// What is sent.
    pub send: Vec<u8>,
    /// What has to be somewhere in an answer; if nothing, any answer will do.
    pub expect: Vec<u8>,
}

impl UdpProbe {
    /// Most bytes that are sent or expected: they fit into one packet whatever the way.
    pub const MAX_LEN: usize = 1_000;
}

/// A question to a name server, and what has to come back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DnsProbe {
    /// What is asked about; with a dot at its end.
    pub name: Name,
    /// What is asked for.
    pub record: RecordType,
    /// How it must be answered.
    pub rcode: ResponseCode,
}

/// A question to a gRPC server, of `grpc.health.v1.Health/Check`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrpcProbe {
    /// The service that is asked about; empty: the server as a whole.
    pub service: String,
}

impl GrpcProbe {
    /// Most bytes of a service's name.
    pub const MAX_LEN: usize = 255;
}

/// What becomes of new flows while no back-end of a service is healthy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AllDown {
    /// They are spread over all back-ends, as if all were healthy.
    #[default]
    Open,
    /// They are dropped.
    Drop,
    /// They are passed to the balancer's own network stack.
    Pass,
}

impl fmt::Display for AllDown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Open => "open",
            Self::Drop => "drop",
            Self::Pass => "pass",
        })
    }
}
