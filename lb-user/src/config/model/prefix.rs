use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// The addresses that share their leading bits. As text: `10.0.0.0/8`, `2001:db8::/32`; an address alone is a prefix of full
/// length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Prefix {
    /// The first of the addresses: all bits behind the leading ones are 0. Never an IPv4-mapped IPv6 address.
    pub address: IpAddr,
    /// How many bits lead: 0 to 32, or to 128.
    pub len: u8,
}

impl Prefix {
    /// The prefix of `len` bits, or of full length when that is less, that `address` is in.
    pub fn of(address: IpAddr, len: u8) -> Self {
        let len = len.min(full_len(address));
        let first = match address {
            IpAddr::V4(v4) => {
                let mask = u32::MAX.checked_shl(u32::from(32 - len)).unwrap_or(0);
                Ipv4Addr::from_bits(v4.to_bits() & mask).into()
            }
            IpAddr::V6(v6) => {
                let mask = u128::MAX.checked_shl(u32::from(128 - len)).unwrap_or(0);
                Ipv6Addr::from_bits(v6.to_bits() & mask).into()
            }
        };
        Self { address: first, len }
    }

    /// Whether `address` is one of them.
    pub fn contains(self, address: IpAddr) -> bool {
        Self::of(address, self.len) == self
    }

    /// Whether any address is in both.
    pub(in crate::config) fn overlaps(self, other: Self) -> bool {
        let len = self.len.min(other.len);
        Self::of(self.address, len) == Self::of(other.address, len)
    }
}

/// Bits of an address of this family.
fn full_len(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.len)
    }
}

/// Why a text is not a [`Prefix`]: what follows after the text itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPrefix {
    /// It is no address with or without a length.
    #[error("is not a prefix, as 10.0.0.0/8 or 2001:db8::/32")]
    Malformed,
    /// Its length is none of the family's.
    #[error("cannot be: the length is 0 to {0}")]
    Length(u8),
    /// Bits behind the leading ones are set.
    #[error("has bits set behind its length: use {0}")]
    HostBits(Prefix),
    /// It is IPv4 in the form of IPv6 (RFC 4291, 2.5.5.2).
    #[error("is IPv4 in the form of IPv6: use {0}")]
    Mapped(Prefix),
}

impl From<Prefix> for String {
    fn from(prefix: Prefix) -> Self {
        prefix.to_string()
    }
}

impl TryFrom<String> for Prefix {
    type Error = InvalidPrefix;

    fn try_from(text: String) -> Result<Self, InvalidPrefix> {
        text.parse()
    }
}

impl FromStr for Prefix {
    type Err = InvalidPrefix;

    fn from_str(text: &str) -> Result<Self, InvalidPrefix> {
        let (address, len) = text.split_once('/').map_or((text, None), |(address, len)| (address, Some(len)));
        let address: IpAddr = address.parse().map_err(|_| InvalidPrefix::Malformed)?;
        let full = full_len(address);
        let len = match len {
            None => full,
            Some(len) if len.is_empty() || !len.bytes().all(|byte| byte.is_ascii_digit()) => {
                return Err(InvalidPrefix::Malformed);
            }
            Some(len) => len.parse().ok().filter(|&len| len <= full).ok_or(InvalidPrefix::Length(full))?,
        };
        if let IpAddr::V6(v6) = address
            && let Some(v4) = v6.to_ipv4_mapped()
            && len >= 96
        {
            return Err(InvalidPrefix::Mapped(Self::of(v4.into(), len - 96)));
        }
        let prefix = Self::of(address, len);
        if prefix.address == address { Ok(prefix) } else { Err(InvalidPrefix::HostBits(prefix)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_prefix_are_the_same() {
        for text in ["0.0.0.0/0", "10.0.0.0/8", "192.0.2.1/32", "::/0", "2001:db8::/33", "2001:db8::1/128"] {
            assert_eq!(text.parse::<Prefix>().map(|prefix| prefix.to_string()).as_deref(), Ok(text));
        }
    }

    #[test]
    fn of_two_that_overlap_one_holds_the_other() {
        for (a, b, overlap) in [
            ("10.0.0.0/8", "10.6.0.0/16", true),
            ("10.0.0.0/8", "11.0.0.0/8", false),
            ("0.0.0.0/0", "127.0.0.0/8", true),
            ("126.0.0.0/7", "127.0.0.0/8", true),
            ("::/0", "fe80::/10", true),
            ("::/0", "10.0.0.0/8", false),
            ("2001:db8::1", "2001:db8::1", true),
        ] {
            let [first, second] = [a, b].map(|text| text.parse::<Prefix>().unwrap());
            assert_eq!((first.overlaps(second), second.overlaps(first)), (overlap, overlap), "{a} {b}");
        }
    }

    #[test]
    fn a_prefix_contains_addresses_of_its_family_that_begin_like_it() {
        for (prefix, address, contained) in [
            ("10.0.0.0/8", "10.9.8.7", true),
            ("10.0.0.0/8", "11.0.0.0", false),
            ("0.0.0.0/0", "192.0.2.1", true),
            ("0.0.0.0/0", "::1", false),
            ("2001:db8::/32", "2001:db8::1", true),
            ("2001:db8::1", "2001:db8::2", false),
        ] {
            assert_eq!(prefix.parse::<Prefix>().unwrap().contains(address.parse().unwrap()), contained, "{prefix}");
        }
    }

    #[test]
    fn an_address_is_a_prefix_of_full_length() {
        for (text, prefix) in [("192.0.2.1", "192.0.2.1/32"), ("2001:db8::1", "2001:db8::1/128")] {
            assert_eq!(text.parse::<Prefix>(), prefix.parse());
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_what_would_be_right() {
        for (text, wrong) in [
            ("", "is not a prefix, as 10.0.0.0/8 or 2001:db8::/32"),
            ("10.0.0/8", "is not a prefix, as 10.0.0.0/8 or 2001:db8::/32"),
            ("10.0.0.0/", "is not a prefix, as 10.0.0.0/8 or 2001:db8::/32"),
            ("10.0.0.0/+8", "is not a prefix, as 10.0.0.0/8 or 2001:db8::/32"),
            ("10.0.0.0/255.0.0.0", "is not a prefix, as 10.0.0.0/8 or 2001:db8::/32"),
            ("10.0.0.0/33", "cannot be: the length is 0 to 32"),
            ("2001:db8::/1000", "cannot be: the length is 0 to 128"),
            ("10.0.0.1/8", "has bits set behind its length: use 10.0.0.0/8"),
            ("10.0.0.1/0", "has bits set behind its length: use 0.0.0.0/0"),
            ("2001:db8::1/64", "has bits set behind its length: use 2001:db8::/64"),
            ("::ffff:10.0.0.0/104", "is IPv4 in the form of IPv6: use 10.0.0.0/8"),
            ("::ffff:10.0.0.1", "is IPv4 in the form of IPv6: use 10.0.0.1/32"),
        ] {
            assert_eq!(text.parse::<Prefix>().map_err(|error| error.to_string()), Err(wrong.to_owned()), "{text}");
        }
    }
}
