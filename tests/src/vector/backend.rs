//! How a setup names a back-end, the way to it, and what the configuration says of it.

use crate::world::{self, Family, Interface, WAN};
use anyhow::{Context, Error, Result, bail};
use serde::Deserialize;
use std::net::IpAddr;
use toml::{Table, Value};

/// A back-end: `server-1`, `server-2 via lan0`, `server-3/6 weight 3 vlan 100`.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Backend {
    /// Its name and its addresses end in this, 1 to 99.
    number: u8,
    /// That of its address; its service's by default.
    family: Option<Family>,
    /// The way to it.
    pub(super) way: Way,
    weight: Option<i64>,
    /// VLAN tags that the configuration says that frames to it leave with, the outer one first.
    pub(super) vlans: Option<Vec<u16>>,
}

/// The way to a back-end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// It is on a segment of the balancer's.
    Direct(Segment),
    /// It is behind the router.
    Routed,
    /// It is in the balancer's subnet, and does not answer.
    Unreachable,
}

/// Where an interface is, or a VLAN on it: `wan0`, `wan0.100`, `wan0.200.100`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Segment {
    /// The interface.
    pub(super) interface: Interface,
    /// Identifiers of the VLANs, the outer one first.
    pub(super) vlans: Vec<u16>,
}

impl Segment {
    fn new(name: &str) -> Result<Self> {
        let mut parts = name.split('.');
        let interface =
            parts.next().and_then(world::interface).with_context(|| format!("there is no interface {name}"))?;
        let vlans =
            parts.map(str::parse).collect::<Result<_, _>>().with_context(|| format!("there is no VLAN {name}"))?;
        Ok(Self { interface, vlans })
    }
}

impl Backend {
    /// Its name: `server-1`.
    pub(super) fn name(&self) -> String {
        format!("server-{}", self.number)
    }

    /// Its address, if its service has a VIP of the family `vip`.
    pub(super) fn address(&self, vip: Family) -> IpAddr {
        self.family.unwrap_or(vip).backend(self.number, self.way == Way::Routed)
    }

    /// Its Ethernet address.
    pub(super) fn mac(&self) -> lb_common::wire::Mac {
        world::backend_mac(self.number)
    }

    /// What the configuration says of it.
    pub(super) fn config(&self, vip: Family) -> Table {
        let mut table = Table::new();
        table.insert("name".to_owned(), self.name().into());
        table.insert("address".to_owned(), self.address(vip).to_string().into());
        if let Some(weight) = self.weight {
            table.insert("weight".to_owned(), weight.into());
        }
        if let Some(vlans) = &self.vlans {
            let ids = vlans.iter().map(|id| Value::from(i64::from(*id)));
            table.insert("vlan".to_owned(), Value::Array(ids.collect()));
        }
        table
    }

    /// Applies the words behind the name.
    fn with(mut self, words: &[&str]) -> Result<Self> {
        let rest = match words {
            [] => return Ok(self),
            ["via", name, rest @ ..] => {
                self.way = Way::Direct(Segment::new(name)?);
                rest
            }
            ["routed", rest @ ..] => {
                self.way = Way::Routed;
                rest
            }
            ["unreachable", rest @ ..] => {
                self.way = Way::Unreachable;
                rest
            }
            ["weight", weight, rest @ ..] => {
                self.weight = Some(weight.parse().context("weight")?);
                rest
            }
            ["untagged", rest @ ..] => {
                self.vlans = Some(Vec::new());
                rest
            }
            ["vlan", ids, rest @ ..] => {
                self.vlans = Some(ids.split(',').map(str::parse).collect::<Result<_, _>>().context("vlan")?);
                rest
            }
            [word, ..] => bail!("{word:?} says nothing of a back-end"),
        };
        self.with(rest)
    }
}

impl TryFrom<String> for Backend {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        let words: Vec<&str> = text.split(' ').collect();
        let (name, family) = match words[0].split_once('/') {
            Some((name, "4")) => (name, Some(Family::V4)),
            Some((name, "6")) => (name, Some(Family::V6)),
            _ => (words[0], None),
        };
        let number = name.strip_prefix("server-").and_then(|number| number.parse().ok());
        let number = number.filter(|number| (1..=99).contains(number));
        let backend = number.map(|number| Self {
            number,
            family,
            way: Way::Direct(Segment { interface: WAN, vlans: Vec::new() }),
            weight: None,
            vlans: None,
        });
        let wrong =
            || format!("{text:?} is not a back-end, as server-1, \"server-2 via lan0\" or \"server-3/6 weight 3\"");
        // The file's reader shows only the outermost message of an error.
        backend.with_context(wrong)?.with(&words[1..]).map_err(|error| Error::msg(format!("{}: {error:#}", wrong())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn backend(text: &str) -> Result<Backend> {
        Backend::try_from(text.to_owned())
    }

    #[test]
    fn the_words_behind_a_name_come_in_any_order() {
        let cases = [
            ("server-1", Family::V4, "address = '10.0.1.1'\nname = 'server-1'"),
            ("server-10", Family::V6, "address = '2001:db8:1::a'\nname = 'server-10'"),
            ("server-2/6 via lan0", Family::V4, "address = '2001:db8:1::2'\nname = 'server-2'"),
            ("server-3/4 routed weight 0", Family::V6, "address = '10.0.2.3'\nname = 'server-3'\nweight = 0"),
            (
                "server-4 vlan 400,300 weight 3",
                Family::V4,
                "address = '10.0.1.4'\nname = 'server-4'\nweight = 3\nvlan = [400, 300]",
            ),
            ("server-5 untagged unreachable", Family::V4, "address = '10.0.1.5'\nname = 'server-5'\nvlan = []"),
        ];
        for (text, vip, config) in cases {
            assert_eq!(backend(text).expect(text).config(vip), toml::from_str(config).expect("a table"), "{text}");
        }
        assert_eq!(backend("server-5 unreachable untagged").expect("a back-end").way, Way::Unreachable);
    }

    #[test]
    fn what_is_no_back_end_is_refused() {
        let texts = [
            "server-0",
            "server-100",
            "web-1",
            "server-1/5",
            "server-1 via eth0",
            "server-1 via",
            "server-1 weight many",
            "server-1 vlan 100,",
            "server-1 quickly",
        ];
        for text in texts {
            assert!(backend(text).is_err(), "{text}");
        }
    }
}
