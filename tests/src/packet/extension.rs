//! IPv6 extension headers.

use anyhow::{Context, Error, Result, bail, ensure};
use etherparse::{IpAuthHeader, IpNumber, Ipv6RawExtHeader};
use serde::Deserialize;

/// An extension header: `hop-by-hop`, `destination-options 24`, `routing 24 says 2048`, or the place of the fragment header.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(super) enum Extension {
    /// One with a length of its own.
    Header {
        kind: &'static Kind,
        /// In bytes.
        len: usize,
        /// What the header says of its length instead.
        says: Option<usize>,
    },
    /// The fragment header, which the key `fragment` describes.
    Fragment,
}

/// What there is to know of a kind of extension header.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Kind {
    name: &'static str,
    number: IpNumber,
    /// Length in bytes if a description does not tell.
    len: usize,
}

/// RFC 8200 has the first three, RFC 4302 authentication (with the 96-bit value that most use), RFC 6275 mobility, RFC 7401 host
/// identity, RFC 5533 shim6.
const KINDS: [Kind; 6] = [
    Kind { name: "hop-by-hop", number: IpNumber::IPV6_HEADER_HOP_BY_HOP, len: 8 },
    Kind { name: "routing", number: IpNumber::IPV6_ROUTE_HEADER, len: 8 },
    Kind { name: "destination-options", number: IpNumber::IPV6_DESTINATION_OPTIONS, len: 8 },
    Kind { name: "authentication", number: IpNumber::AUTHENTICATION_HEADER, len: 24 },
    Kind { name: "mobility", number: IpNumber::MOBILITY_HEADER, len: 8 },
    Kind { name: "host-identity", number: IpNumber::HIP, len: 8 },
];

impl Extension {
    /// The number that the header in front of it calls it by.
    pub(super) fn number(&self) -> IpNumber {
        match self {
            Self::Header { kind, .. } => kind.number,
            Self::Fragment => IpNumber::IPV6_FRAGMENTATION_HEADER,
        }
    }

    /// The header, in front of one that is called `next`.
    pub(super) fn bytes(&self, next: IpNumber) -> Result<Vec<u8>> {
        let Self::Header { kind, len, says } = *self else { bail!("there is only one fragment header in a packet") };
        let wrong = || format!("there is no {} header of {len} bytes", kind.name);
        // Authentication counts in words of 4 bytes less 2, all others in words of 8 bytes less 1.
        let (mut bytes, unit, less) = if kind.number == IpNumber::AUTHENTICATION_HEADER {
            let value = vec![0xa5; len.checked_sub(12).with_context(wrong)?];
            (IpAuthHeader::new(next, 1, 1, &value).with_context(wrong)?.to_bytes().to_vec(), 4, 2)
        } else {
            let content = kind.content(len.checked_sub(2).with_context(wrong)?);
            (Ipv6RawExtHeader::new_raw(next, &content).with_context(wrong)?.to_bytes().to_vec(), 8, 1)
        };
        if let Some(says) = says {
            ensure!(says.is_multiple_of(unit), "{} headers count in words of {unit} bytes", kind.name);
            let words = (says / unit).checked_sub(less).and_then(|words| u8::try_from(words).ok());
            bytes[1] = words.with_context(|| format!("a {} header cannot say {says} bytes", kind.name))?;
        }
        Ok(bytes)
    }
}

impl Kind {
    /// Valid content of `len` bytes.
    fn content(&self, len: usize) -> Vec<u8> {
        match self.number {
            IpNumber::IPV6_HEADER_HOP_BY_HOP | IpNumber::IPV6_DESTINATION_OPTIONS => padding(len),
            // An experimental routing type (RFC 4727), with no segments left.
            IpNumber::IPV6_ROUTE_HEADER => [253, 0].into_iter().chain(vec![0; len.saturating_sub(2)]).collect(),
            _ => vec![0; len],
        }
    }
}

/// `len` bytes of PadN options (RFC 8200, 4.2), each 257 bytes at most.
fn padding(len: usize) -> Vec<u8> {
    let mut options = Vec::with_capacity(len);
    while options.len() < len {
        match len - options.len() {
            // Pad1.
            1 => options.push(0),
            rest => {
                let data = (rest - 2).min(255);
                options.extend([1, data as u8]);
                options.resize(options.len() + data, 0);
            }
        }
    }
    options
}

impl TryFrom<String> for Extension {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        let words: Vec<&str> = text.split(' ').collect();
        let kind = KINDS.iter().find(|kind| kind.name == words[0]);
        let bytes = |text: &str| text.parse().with_context(|| format!("{text:?} is no number of bytes"));
        match (kind, &words[1..]) {
            (None, []) if text == "fragment" => Ok(Self::Fragment),
            (Some(kind), []) => Ok(Self::Header { kind, len: kind.len, says: None }),
            (Some(kind), [len]) => Ok(Self::Header { kind, len: bytes(len)?, says: None }),
            (Some(kind), [len, "says", says]) => Ok(Self::Header { kind, len: bytes(len)?, says: Some(bytes(says)?) }),
            _ => {
                let names: Vec<&str> = KINDS.iter().map(|kind| kind.name).collect();
                bail!(
                    "{text:?} is no extension header, as {}, each with a length as in \"routing 24\" or a lie about it as in \
                     \"routing 24 says 64\", or fragment",
                    names.join(", ")
                )
            }
        }
    }
}
