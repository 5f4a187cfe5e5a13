use anyhow::{Context, Result};
use lb_user::control::Remote;
use lb_user::lab::Node;
use rcgen::{
    BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, SanType, date_time_ymd,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use std::fs::{self, Permissions};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The name by which the configuration knows the client `admin`.
const ADMIN: &str = "ops.example.org";
/// Port of the API.
const PORT: u16 = 9443;
/// Port of the dashboard.
const DASHBOARD_PORT: u16 = 9680;

/// Certificates for the API and the dashboard of the balancer's agent: `admin`, who may do everything, `reader`, who may look, `expired`, and `stranger`,
/// of another authority.
#[derive(Debug)]
pub struct Pki {
    folder: PathBuf,
}

impl Pki {
    /// Makes them in `folder`.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn make(folder: &Path) -> Result<Self> {
        let pki = Self { folder: folder.to_owned() };
        let (ours, theirs) = (pki.authority("ca")?, pki.authority("other-ca")?);
        let address = SanType::IpAddress(Self::address().ip());
        let dns = |name: &str| -> Result<SanType> { Ok(SanType::DnsName(name.try_into()?)) };
        pki.issue("agent", address, ExtendedKeyUsagePurpose::ServerAuth, &ours, 2100)?;
        for (name, san, issuer, year) in [
            ("admin", ADMIN, &ours, 2100),
            ("reader", "monitor.example.org", &ours, 2100),
            ("expired", ADMIN, &ours, 2020),
            ("stranger", ADMIN, &theirs, 2100),
        ] {
            pki.issue(name, dns(san)?, ExtendedKeyUsagePurpose::ClientAuth, issuer, year)?;
        }
        Ok(pki)
    }

    /// The table of the agent's configuration for its API.
    pub fn api(&self) -> String {
        self.table("api", Self::address())
    }

    /// The table of the agent's configuration for its dashboard.
    pub fn dashboard(&self) -> String {
        self.table("dashboard", Self::dashboard_address())
    }

    fn table(&self, name: &str, listen: SocketAddr) -> String {
        format!(
            "[{name}]\nlisten = \"{listen}\"\ncertificate = {:?}\nkey = {:?}\nclient-ca = {:?}\nadmins = [\"{ADMIN}\"]\n",
            self.certificate("agent"),
            self.key("agent"),
            self.certificate("ca"),
        )
    }

    /// Where the agent of the balancer listens.
    pub fn address() -> SocketAddr {
        let address = Node::Balancer.address().map_or(IpAddr::from([0; 4]), IpAddr::from);
        SocketAddr::new(address, PORT)
    }

    /// Where it serves its dashboard.
    pub fn dashboard_address() -> SocketAddr {
        SocketAddr::new(Self::address().ip(), DASHBOARD_PORT)
    }

    /// The agent, as the client `name` sees it.
    ///
    /// # Errors
    /// Never: the address makes a URL.
    pub fn remote(&self, name: &str) -> Result<Remote> {
        Ok(Remote {
            url: format!("https://{}", Self::address()).parse()?,
            certificate: self.certificate(name),
            key: self.key(name),
            ca: self.certificate("ca"),
        })
    }

    /// The options of a command of the client `name`.
    pub fn options(&self, name: &str) -> Vec<String> {
        let file = |path: PathBuf| path.to_string_lossy().into_owned();
        let (url, cert) = (format!("https://{}", Self::address()), file(self.certificate(name)));
        let options =
            [("--api", url), ("--cert", cert), ("--key", file(self.key(name))), ("--ca", file(self.certificate("ca")))];
        options.into_iter().flat_map(|(option, value)| [option.to_owned(), value]).collect()
    }

    /// Speaks TLS over a connection to the agent, as the client `name` or without a certificate.
    ///
    /// # Errors
    /// When there is no such client.
    pub fn speak(&self, stream: TcpStream, name: Option<&str>) -> Result<StreamOwned<ClientConnection, TcpStream>> {
        let mut trusted = RootCertStore::empty();
        trusted.add(CertificateDer::from_pem_file(self.certificate("ca"))?)?;
        let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(trusted);
        let config = match name {
            None => config.with_no_client_auth(),
            Some(name) => {
                let certificate = CertificateDer::from_pem_file(self.certificate(name))?;
                config.with_client_auth_cert(vec![certificate], PrivateKeyDer::from_pem_file(self.key(name))?)?
            }
        };
        stream.set_nodelay(true)?;
        let agent = ServerName::from(Self::address().ip());
        Ok(StreamOwned::new(ClientConnection::new(Arc::new(config), agent)?, stream))
    }

    /// File of the certificate of `name`.
    pub fn certificate(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.pem"))
    }

    fn key(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.key"))
    }

    fn authority(&self, name: &str) -> Result<Issuer<'static, KeyPair>> {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate()?;
        self.write(&self.certificate(name), &params.self_signed(&key)?.pem(), 0o644)?;
        Ok(Issuer::new(params, key))
    }

    fn issue(
        &self,
        name: &str,
        subject: SanType,
        usage: ExtendedKeyUsagePurpose,
        issuer: &Issuer<'static, KeyPair>,
        last_year: i32,
    ) -> Result<()> {
        let mut params = CertificateParams::default();
        params.subject_alt_names = vec![subject];
        params.extended_key_usages = vec![usage];
        params.not_before = date_time_ymd(2019, 1, 1);
        params.not_after = date_time_ymd(last_year, 1, 1);
        let key = KeyPair::generate()?;
        self.write(&self.certificate(name), &params.signed_by(&key, issuer)?.pem(), 0o644)?;
        self.write(&self.key(name), &key.serialize_pem(), 0o600)
    }

    fn write(&self, path: &Path, text: &str, mode: u32) -> Result<()> {
        let written = fs::write(path, text).and_then(|()| fs::set_permissions(path, Permissions::from_mode(mode)));
        written.with_context(|| path.display().to_string())
    }
}
