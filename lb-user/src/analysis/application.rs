//! What the ports of services are for.

use crate::config::{Ports, Protocol};
use std::collections::BTreeMap;

/// Stands for the application of ports that say nothing.
pub const OTHER: &str = "other";

/// Well-known ports (IANA, Service Name and Transport Protocol Port Number Registry).
const WELL_KNOWN: [(Protocol, u16, &str); 16] = [
    (Protocol::Tcp, 22, "SSH"),
    (Protocol::Tcp, 25, "SMTP"),
    (Protocol::Tcp, 53, "DNS"),
    (Protocol::Udp, 53, "DNS"),
    (Protocol::Tcp, 80, "HTTP"),
    (Protocol::Udp, 123, "NTP"),
    (Protocol::Tcp, 143, "IMAP"),
    (Protocol::Tcp, 389, "LDAP"),
    (Protocol::Tcp, 443, "HTTPS"),
    (Protocol::Udp, 443, "QUIC"),
    (Protocol::Tcp, 465, "SMTPS"),
    (Protocol::Tcp, 636, "LDAPS"),
    (Protocol::Tcp, 853, "DNS-over-TLS"),
    (Protocol::Udp, 853, "DNS-over-QUIC"),
    (Protocol::Tcp, 993, "IMAPS"),
    (Protocol::Tcp, 1883, "MQTT"),
];

/// What a service is for: what `named` says of its port, or what is well known of it. Several ports say nothing.
pub fn of_service(named: &BTreeMap<(Protocol, u16), String>, protocol: Protocol, ports: Ports) -> &str {
    let Ports::One(port) = ports else { return OTHER };
    let well_known = || WELL_KNOWN.iter().find(|known| (known.0, known.1) == (protocol, port)).map(|known| known.2);
    named.get(&(protocol, port)).map(String::as_str).or_else(well_known).unwrap_or(OTHER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_has_the_first_word() {
        let named = [((Protocol::Tcp, 443), "shop".to_owned()), ((Protocol::Tcp, 5432), "postgres".to_owned())].into();
        let of = |protocol, ports| of_service(&named, protocol, ports);
        assert_eq!(of(Protocol::Tcp, Ports::One(443)), "shop");
        assert_eq!(of(Protocol::Udp, Ports::One(443)), "QUIC");
        assert_eq!(of(Protocol::Tcp, Ports::One(5432)), "postgres");
        assert_eq!(of(Protocol::Udp, Ports::One(53)), "DNS");
        for nobody_knows in [Ports::One(5433), Ports::Range(80, 81), Ports::All] {
            assert_eq!(of(Protocol::Tcp, nobody_knows), OTHER);
        }
    }
}
