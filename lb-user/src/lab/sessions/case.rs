use crate::config::{Affinity, Reset};
use crate::lab::{KeyKind, Policy};
use rustls::SupportedProtocolVersion;
use rustls::version::{TLS12, TLS13};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// One case of the experiment: the same load as in all others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Case {
    /// The key of the servers' certificate.
    pub key: KeyKind,
    /// The version of TLS.
    pub version: Version,
    /// What may be resumed where.
    pub scheme: Scheme,
}

impl Case {
    /// All cases, those together that want the same of the balancer.
    pub fn all() -> impl Iterator<Item = Self> {
        let handshakes =
            [KeyKind::Rsa2048, KeyKind::P256].map(|key| [Version::Tls12, Version::Tls13].map(|version| (key, version)));
        let handshakes = handshakes.into_iter().flatten();
        Scheme::ALL
            .into_iter()
            .flat_map(move |scheme| handshakes.clone().map(move |(key, version)| Self { scheme, key, version }))
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}: {}", self.key, self.version, self.scheme)
    }
}

/// Where a session can be resumed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scheme {
    /// Nowhere: clients and servers remember nothing.
    NoReuse,
    /// On the server that made it, which no other shares keys with.
    OwnKeys,
    /// The same, and the balancer sends clients where they were before, for windows of a second.
    OwnKeysAffinity1s,
    /// For windows of five seconds.
    OwnKeysAffinity5s,
    /// Everywhere: the ring is shifted, one server is always one shift behind, and nobody is sent where he was before.
    SharedKeys,
    /// Where the same key happens to be: there is one, a new one encrypts at once, and it gets to one server after the other.
    SharedKeysNaive,
}

impl Scheme {
    /// All of them, from the paper's beginning to its end, and how not to do it.
    pub const ALL: [Self; 6] = [
        Self::NoReuse,
        Self::OwnKeys,
        Self::OwnKeysAffinity1s,
        Self::OwnKeysAffinity5s,
        Self::SharedKeys,
        Self::SharedKeysNaive,
    ];

    /// How the balancer hands out new flows: in turn, unless it remembers clients.
    pub(super) fn policy(self) -> Policy {
        let window = match self {
            Self::OwnKeysAffinity1s => Duration::from_secs(1),
            Self::OwnKeysAffinity5s => Duration::from_secs(5),
            Self::NoReuse | Self::OwnKeys | Self::SharedKeys | Self::SharedKeysNaive => return Policy::DEFAULT,
        };
        let affinity = Affinity {
            window,
            reset: Reset::Epoch,
            prefix: Affinity::DEFAULT_PREFIX,
            prefix_v6: Affinity::DEFAULT_PREFIX_V6,
            max_load: None,
        };
        Policy { affinity: Some(affinity), ..Policy::DEFAULT }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::NoReuse => "no reuse",
            Self::OwnKeys => "own keys",
            Self::OwnKeysAffinity1s => "own keys, affinity 1 s",
            Self::OwnKeysAffinity5s => "own keys, affinity 5 s",
            Self::SharedKeys => "shared keys",
            Self::SharedKeysNaive => "shared keys, naive",
        })
    }
}

/// A version of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Version {
    /// RFC 5246: a ticket saves the key exchange, the signature and a round trip.
    #[serde(rename = "tls-1.2")]
    Tls12,
    /// RFC 8446: a ticket saves the signature, but not the key exchange.
    #[serde(rename = "tls-1.3")]
    Tls13,
}

impl Version {
    /// What rustls calls it.
    pub(super) fn supported(self) -> &'static SupportedProtocolVersion {
        match self {
            Self::Tls12 => &TLS12,
            Self::Tls13 => &TLS13,
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Tls12 => "TLS 1.2",
            Self::Tls13 => "TLS 1.3",
        })
    }
}
