//! Values that name something on the network.

use crate::config::check::Checker;
use crate::config::model::{InterfaceName, Ports, Prefix};
use crate::config::shape::PORT;
use lb_common::wire::Mac;
use std::net::IpAddr;
use std::slice;
use toml::{Spanned, Value};

impl Checker<'_> {
    pub(in crate::config) fn interface_name(&mut self, key: &str, name: &Spanned<String>) -> Option<InterfaceName> {
        let text = name.get_ref();
        // What the kernel's `dev_valid_name` refuses, and what cannot be printed.
        let refused = |c: char| matches!(c, '/' | ':') || c.is_whitespace() || c.is_control();
        if text.is_empty() || text.len() > 15 || text.contains(refused) || matches!(text.as_str(), "." | "..") {
            let message = format!("{key} {text:?} cannot be: a name has 1 to 15 bytes, no '/', no ':' and no spaces");
            return self.problems.reject(name, message);
        }
        Some(InterfaceName(text.clone()))
    }

    /// The address of a host.
    pub(in crate::config) fn address(&mut self, key: &str, text: &Spanned<String>) -> Option<IpAddr> {
        let Ok(address) = text.get_ref().parse::<IpAddr>() else {
            let message = format!("{key} {:?} is not an IP address, as 192.0.2.10 or 2001:db8::10", text.get_ref());
            return self.problems.reject(text, message);
        };
        if address.to_canonical() != address {
            let message = format!("{key} {address} is IPv4 in the form of IPv6: use {}", address.to_canonical());
            return self.problems.reject(text, message);
        }
        let (broadcast, link_local) = match address {
            IpAddr::V4(v4) => (v4.is_broadcast(), false),
            IpAddr::V6(v6) => (false, v6.is_unicast_link_local()),
        };
        if address.is_unspecified() || address.is_multicast() || address.is_loopback() || broadcast {
            let message = format!("{key} {address} cannot be a host on the network: use a unicast address");
            return self.problems.reject(text, message);
        }
        if link_local {
            let message = format!(
                "{key} {address} is link-local and means nothing without an interface: use a global or unique local address"
            );
            return self.problems.reject(text, message);
        }
        Some(address)
    }

    pub(in crate::config) fn prefix(&mut self, key: &str, text: &Spanned<String>) -> Option<Prefix> {
        match text.get_ref().parse() {
            Ok(prefix) => Some(prefix),
            Err(error) => self.problems.reject(text, format!("{key} {:?} {error}", text.get_ref())),
        }
    }

    /// Ports as a number or as text.
    pub(in crate::config) fn ports(&mut self, key: &str, ports: &Spanned<Value>) -> Option<Ports> {
        let (text, shown) = match ports.get_ref() {
            Value::Integer(number) => (number.to_string(), number.to_string()),
            Value::String(text) => (text.clone(), format!("{text:?}")),
            _ => {
                return self.problems.reject(ports, format!("{key} must be {PORT}"));
            }
        };
        match text.parse() {
            Ok(ports) => Some(ports),
            Err(error) => self.problems.reject(ports, format!("{key} {shown} cannot be: {error}")),
        }
    }

    /// The Ethernet address of one host.
    pub(in crate::config) fn mac(&mut self, key: &str, text: &Spanned<String>) -> Option<Mac> {
        let mut octets = [0; 6];
        let parts: Vec<&str> = text.get_ref().split(':').collect();
        let whole = parts.len() == octets.len()
            && parts
                .iter()
                .zip(&mut octets)
                .all(|(part, octet)| hex::decode_to_slice(part, slice::from_mut(octet)).is_ok());
        if !whole {
            let message = format!("{key} {:?} is not an Ethernet address, as 02:00:5e:10:00:01", text.get_ref());
            return self.problems.reject(text, message);
        }
        if octets[0] & 1 != 0 || octets == [0; 6] {
            let message = format!("{key} {:?} is not one host's: use a unicast address", text.get_ref());
            return self.problems.reject(text, message);
        }
        Some(Mac::new(octets))
    }
}
