use crate::config::is_name;
use hyper::Uri;
use rustls::pki_types::DnsName;
use std::fmt;
use std::str::FromStr;

/// What an agent or a back-end is called in its certificate: a name that back-ends can have, and that certificates can name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name(String);

impl Name {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Name {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if !is_name(text) {
            return Err("a name has 1 to 63 letters, digits, '-', '_' or '.'".to_owned());
        }
        if DnsName::try_from(text).is_err() {
            return Err(
                "no certificate can name it: no part between dots is empty, begins or ends with '-', and the last one \
                 is not a number"
                    .to_owned(),
            );
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// The URL of an agent, checked.
///
/// # Errors
/// When it is not of the form `https://HOST:PORT`.
pub fn agent_url(text: &str) -> Result<Uri, String> {
    let wrong = || "not of the form https://HOST:PORT".to_owned();
    let url: Uri = text.parse().map_err(|_| wrong())?;
    let is_complete = url.scheme_str() == Some("https") && url.host().is_some() && url.port_u16().is_some();
    let is_more = url.path() != "/" || url.query().is_some() || text.contains('@');
    if is_complete && !is_more { Ok(url) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_can_be_in_a_certificate() {
        let long = "a".repeat(63);
        for good in ["web-1", "web_1", "web-1.example.org", "10-0-0-1", "WEB", &long] {
            assert!(good.parse::<Name>().is_ok(), "{good}");
        }
        let too_long = "a".repeat(64);
        for bad in [
            "",
            ".web",
            "web..1",
            "-web",
            "web-",
            "web 1",
            "web/1",
            "..",
            "*.example.org",
            "10.0.0.1",
            "wéb",
            &too_long,
        ] {
            assert!(bad.parse::<Name>().is_err(), "{bad}");
        }
    }

    #[test]
    fn an_agent_is_named_by_host_and_port_alone() {
        for good in ["https://lb-1:9444", "https://10.0.0.1:9444", "https://[2001:db8::1]:9444/"] {
            assert!(agent_url(good).is_ok(), "{good}");
        }
        for bad in
            ["lb-1:9444", "http://lb-1:9444", "https://lb-1", "https://lb-1:99999", "https://lb-1:1/x", "https://a@b:1"]
        {
            assert!(agent_url(bad).is_err(), "{bad}");
        }
    }
}
