use anyhow::Result;
use rustls::ServerConfig;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::ProducesTickets;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A certificate (ECDSA, P-256) that vouches for itself, and its key. Servers that share tickets have the same.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The certificate, in PEM.
    pub certificate: PathBuf,
    /// The key, in PEM.
    pub key: PathBuf,
}

impl Identity {
    /// Makes one for the host `name`, in files of `folder`.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn make(folder: &Path, name: &str) -> Result<Self> {
        let made = rcgen::generate_simple_self_signed([name.to_owned()])?;
        let identity =
            Self { certificate: folder.join(format!("{name}.pem")), key: folder.join(format!("{name}.key")) };
        fs::write(&identity.certificate, made.cert.pem())?;
        write_secret(&identity.key, made.signing_key.serialize_pem().as_bytes())?;
        Ok(identity)
    }

    /// The server's side of TLS with it, and with tickets of `ticketer`.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn server(&self, ticketer: Arc<dyn ProducesTickets>) -> Result<ServerConfig> {
        let certificate = CertificateDer::from_pem_file(&self.certificate)?;
        let mut tls = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![certificate], PrivateKeyDer::from_pem_file(&self.key)?)?;
        tls.ticketer = ticketer;
        Ok(tls)
    }
}

/// Writes a file for its owner alone.
pub(super) fn write_secret(path: &Path, content: &[u8]) -> Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    Ok(file.write_all(content)?)
}
