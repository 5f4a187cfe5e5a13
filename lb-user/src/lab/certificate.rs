use super::Error;
use rcgen::{CertificateParams, KeyPair};
use rsa::PrivateKey;
use rsa::pkcs8::EncodePrivateKey;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::IpAddr;

/// What the private key of a server is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum KeyKind {
    /// RSA with 2,048 bits: what the paper had in mind, and what old servers have.
    #[serde(rename = "rsa-2048")]
    Rsa2048,
    /// ECDSA on the curve P-256: what new servers have.
    #[serde(rename = "p-256")]
    P256,
}

/// A certificate of the servers, and its key. It is signed with the same key.
#[derive(Debug)]
pub(super) struct Certificate {
    pub(super) certificate: CertificateDer<'static>,
    pub(super) key: PrivatePkcs8KeyDer<'static>,
}

impl Certificate {
    /// Makes a key and a certificate for `address`.
    ///
    /// # Errors
    /// When a cryptography library refuses.
    pub(super) fn new(address: IpAddr, kind: KeyKind) -> Result<Self, Error> {
        let key = match kind {
            KeyKind::Rsa2048 => rsa_key()?,
            KeyKind::P256 => KeyPair::generate().map_err(Error::tls)?,
        };
        let params = CertificateParams::new([address.to_string()]).map_err(Error::tls)?;
        let certificate = params.self_signed(&key).map_err(Error::tls)?;
        Ok(Self { certificate: certificate.der().clone(), key: key.serialize_der().into() })
    }
}

/// The library that everything else is made with (ring) signs with RSA keys, but makes none.
fn rsa_key() -> Result<KeyPair, Error> {
    let key = PrivateKey::new(&mut rand::rng(), 2_048).map_err(Error::tls)?;
    let encoded = key.to_pkcs8_der().map_err(Error::tls)?;
    KeyPair::try_from(&PrivatePkcs8KeyDer::from(encoded.as_bytes())).map_err(Error::tls)
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Rsa2048 => "RSA-2048",
            Self::P256 => "P-256",
        })
    }
}
