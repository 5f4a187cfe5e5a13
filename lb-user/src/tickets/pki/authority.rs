use super::Error;
use super::folder::File;
use super::subject::Subject;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256,
};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, UnixTime};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;
use time::OffsetDateTime;
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert};
use zeroize::Zeroizing;

/// How far a clock may be behind that of the machine where a certificate was made.
const SKEW: Duration = Duration::from_secs(3_600);
/// The longest file of an authority that is read. The usual ones have less than 1 KiB.
const LONGEST_FILE: u64 = 64 << 10;

/// Who signs certificates.
pub(super) struct Authority {
    /// For errors.
    folder: PathBuf,
    certificate: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// Makes one that is valid for so long, and the file of its key.
    pub(super) fn make(lifetime: Duration) -> Result<(Self, File), Error> {
        let mut params = CertificateParams::default();
        params.distinguished_name = Default::default();
        params.distinguished_name.push(DnType::CommonName, "Handoff ticket keys");
        // It signs agents and back-ends, and no other authority.
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        limit(&mut params, lifetime);
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let certificate = params.self_signed(&key)?.pem();
        let file = File::secret("ca.key", key.serialize_pem());
        Ok((Self { folder: PathBuf::new(), certificate, issuer: Issuer::new(params, key) }, file))
    }

    /// The one in `ca.pem` and `ca.key` of a folder.
    pub(super) fn load(folder: &Path) -> Result<Self, Error> {
        let (path, key_path) = (folder.join("ca.pem"), folder.join("ca.key"));
        let (certificate, key) = (read(&path)?, read(&key_path)?);
        let unusable = |path: &Path| {
            let path = path.to_owned();
            move |error: rcgen::Error| Error::Authority { path, reason: error.to_string() }
        };
        let key = KeyPair::from_pem(&key).map_err(unusable(&key_path))?;
        let issuer = Issuer::from_ca_cert_pem(&certificate, key).map_err(unusable(&path))?;
        Ok(Self { folder: folder.to_owned(), certificate: certificate.to_string(), issuer })
    }

    /// The file of its certificate.
    pub(super) fn file(&self) -> File {
        File::public("ca.pem", self.certificate.clone())
    }

    /// The files of a new key and its certificate, which is valid for so long.
    pub(super) fn certify(&self, subject: &Subject, lifetime: Duration) -> Result<[File; 2], Error> {
        let mut params = subject.params()?;
        limit(&mut params, lifetime);
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        self.check(certificate.der(), &subject.usage())?;
        let stem = subject.stem();
        Ok([
            File::public(&format!("{stem}.pem"), certificate.pem()),
            File::secret(&format!("{stem}.key"), key.serialize_pem()),
        ])
    }

    /// Does with a certificate what whoever gets it will do: better now than at night.
    fn check(&self, certificate: &CertificateDer<'_>, usage: &ExtendedKeyUsagePurpose) -> Result<(), Error> {
        let refused = |reason: String| Error::Refused { authority: self.folder.clone(), reason };
        let usage = match usage {
            ExtendedKeyUsagePurpose::ServerAuth => KeyUsage::server_auth(),
            _ => KeyUsage::client_auth(),
        };
        let authority =
            CertificateDer::from_pem_slice(self.certificate.as_bytes()).map_err(|error| refused(error.to_string()))?;
        let check = || {
            let anchor = anchor_from_trusted_cert(&authority)?;
            let algorithms = default_provider().signature_verification_algorithms.all;
            EndEntityCert::try_from(certificate)?
                .verify_for_usage(algorithms, &[anchor], &[], UnixTime::now(), usage, None, None)
                .map(|_| ())
        };
        check().map_err(|error: webpki::Error| refused(error.to_string()))
    }
}

fn limit(params: &mut CertificateParams, lifetime: Duration) {
    let now = OffsetDateTime::now_utc();
    params.not_before = now - SKEW;
    params.not_after = now + lifetime;
}

fn read(path: &Path) -> Result<Zeroizing<String>, Error> {
    let mut text = Zeroizing::new(String::new());
    let file = fs::File::open(path).and_then(|file| file.take(LONGEST_FILE).read_to_string(&mut text));
    file.map_err(|source| Error::File { path: path.to_owned(), source })?;
    Ok(text)
}
