use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Ports of a service, in host order; never 0. As text: `443`, `8000-8099`, `all`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Ports {
    /// One.
    One(u16),
    /// From the first to the last, which is greater.
    Range(u16, u16),
    /// All that no other service of the VIP and protocol has.
    All,
}

impl Ports {
    /// Whether there is more than one.
    pub fn are_several(self) -> bool {
        !matches!(self, Self::One(_))
    }

    /// Whether a packet could mean either of two services of one VIP and protocol. The smaller of unlike kinds wins: one port
    /// over a range, a range over all.
    pub fn conflict(self, other: Self) -> bool {
        match (self, other) {
            (Self::Range(first, last), Self::Range(other_first, other_last)) => {
                first <= other_last && other_first <= last
            }
            _ => self == other,
        }
    }
}

impl fmt::Display for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(port) => write!(f, "{port}"),
            Self::Range(first, last) => write!(f, "{first}-{last}"),
            Self::All => f.write_str("all"),
        }
    }
}

/// A text that names no ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("use 1 to 65535, a range as \"8000-8099\", or \"all\"")]
pub struct InvalidPorts;

impl FromStr for Ports {
    type Err = InvalidPorts;

    fn from_str(text: &str) -> Result<Self, InvalidPorts> {
        if text == "all" {
            return Ok(Self::All);
        }
        match text.split_once('-') {
            None => port(text).map(Self::One),
            Some((first, last)) => match (port(first)?, port(last)?) {
                (first, last) if first < last => Ok(Self::Range(first, last)),
                _ => Err(InvalidPorts),
            },
        }
    }
}

/// A port in plain digits; `parse` alone would take a sign.
fn port(text: &str) -> Result<u16, InvalidPorts> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|&port| digits && port != 0).ok_or(InvalidPorts)
}

impl From<Ports> for String {
    fn from(ports: Ports) -> Self {
        ports.to_string()
    }
}

impl TryFrom<String> for Ports {
    type Error = InvalidPorts;

    fn try_from(text: String) -> Result<Self, InvalidPorts> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_ports_are_the_same() {
        for (text, ports) in [
            ("443", Ports::One(443)),
            ("1-65535", Ports::Range(1, 65_535)),
            ("8000-8001", Ports::Range(8_000, 8_001)),
            ("all", Ports::All),
        ] {
            assert_eq!(text.parse(), Ok(ports));
            assert_eq!(ports.to_string(), text);
        }
    }

    #[test]
    fn other_texts_are_no_ports() {
        for text in ["", "0", "+1", "65536", "8000-", "-8000", "8000-8000", "8001-8000", "1-2-3", "0-9", "All", "http"]
        {
            assert_eq!(text.parse::<Ports>(), Err(InvalidPorts), "{text:?}");
        }
    }

    #[test]
    fn like_kinds_conflict_where_they_meet() {
        let (one, range) = (Ports::One(8_010), Ports::Range(8_000, 8_099));
        for (a, b, conflict) in [
            (one, one, true),
            (one, Ports::One(8_011), false),
            (one, range, false),
            (one, Ports::All, false),
            (range, range, true),
            (range, Ports::Range(8_099, 8_200), true),
            (range, Ports::Range(8_010, 8_020), true),
            (range, Ports::Range(8_100, 8_200), false),
            (range, Ports::All, false),
            (Ports::All, Ports::All, true),
        ] {
            assert_eq!(a.conflict(b), conflict, "{a} {b}");
            assert_eq!(b.conflict(a), conflict, "{b} {a}");
        }
    }
}
