use super::{Agent, Name};
use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyUsagePurpose, SanType};

/// Whom a certificate is for.
pub(super) enum Subject {
    /// Serves back-ends.
    Agent(Agent),
    /// A back-end of this name: it asks agents, and answers nobody.
    Node(Name),
}

impl Subject {
    /// What the files of its certificate and key are called, without their ends.
    pub(super) fn stem(&self) -> &'static str {
        match self {
            Self::Agent(_) => "agent",
            Self::Node(_) => "node",
        }
    }

    pub(super) fn usage(&self) -> ExtendedKeyUsagePurpose {
        match self {
            Self::Agent(_) => ExtendedKeyUsagePurpose::ServerAuth,
            Self::Node(_) => ExtendedKeyUsagePurpose::ClientAuth,
        }
    }

    /// What its certificate says of it.
    pub(super) fn params(&self) -> Result<CertificateParams, rcgen::Error> {
        let mut params = CertificateParams::default();
        params.distinguished_name = Default::default();
        params.distinguished_name.push(DnType::CommonName, self.name().as_str());
        params.subject_alt_names = self.alternative_names()?;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![self.usage()];
        params.use_authority_key_identifier_extension = true;
        Ok(params)
    }

    fn name(&self) -> &Name {
        match self {
            Self::Agent(agent) => &agent.name,
            Self::Node(name) => name,
        }
    }

    fn alternative_names(&self) -> Result<Vec<SanType>, rcgen::Error> {
        let addresses = match self {
            Self::Agent(agent) => &agent.addresses[..],
            Self::Node(_) => &[],
        };
        let mut names = vec![SanType::DnsName(self.name().as_str().try_into()?)];
        names.extend(addresses.iter().copied().map(SanType::IpAddress));
        Ok(names)
    }
}
