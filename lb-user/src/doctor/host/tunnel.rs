use super::{Arrival, Host};
use crate::doctor::{Check, Finding};
use crate::network::{Link, XdpAttachment};
use std::fmt::Display;
use std::net::IpAddr;

/// The longest packets of clients, on Ethernet.
const FULL_SIZE: u32 = 1_500;
/// What the widest tunnel takes: GUE over IPv6.
const OVERHEAD: u32 = 52;

pub(super) fn findings(host: &Host) -> Vec<Finding> {
    if !host.tunnels {
        return Vec::new();
    }
    let interfaces = host.arrival.iter().filter_map(|arrival| Some((arrival, arrival.link.as_ref()?)));
    interfaces.flat_map(|(arrival, link)| of_interface(host, arrival, link)).collect()
}

fn of_interface(host: &Host, arrival: &Arrival, link: &Link) -> Vec<Finding> {
    let vip = host.vips.first().map_or_else(|| "VIP".to_owned(), ToString::to_string);
    let room = FULL_SIZE + OVERHEAD;
    let words: [(&str, &dyn Display); 3] = [("INTERFACE", &arrival.name), ("VIP", &vip), ("COUNT", &room)];
    let found = |check, text: String| Finding::new(check, &arrival.name, &words, text);
    let devices = || host.tunnel_devices.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
    let mut findings = vec![match (link.xdp, host.tunnel_devices.is_empty()) {
        (XdpAttachment::None, true) => {
            found(Check::DecapsulatorMissing, "no XDP program is attached, and there is no tunnel device".to_owned())
        }
        (XdpAttachment::None, false) => found(Check::Decapsulator, format!("tunnel devices {}", devices())),
        (attached, _) => found(Check::Decapsulator, format!("an XDP program, {attached} mode")),
    }];
    let filter = host.all.rp_filter.max(arrival.settings.rp_filter);
    // 2 asks only whether there is a way back at all.
    if filter == 1 && host.vips.iter().any(IpAddr::is_ipv4) {
        findings.push(found(Check::RpFilter, "rp_filter is 1, the greater value of all and the interface".to_owned()));
    }
    if link.mtu < room {
        findings.push(found(Check::TunnelRoom, format!("MTU {}", link.mtu)));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::host::testing::names;

    fn link(host: &mut Host) -> &mut Link {
        host.arrival[0].link.as_mut().expect("a link")
    }

    #[test]
    fn somebody_takes_packets_out() {
        assert_eq!(names(findings, |_| {}), ["decapsulator"]);
        assert_eq!(names(findings, |host| link(host).xdp = XdpAttachment::None), ["decapsulator-missing"]);
        let device = |host: &mut Host| {
            link(host).xdp = XdpAttachment::None;
            host.tunnel_devices.insert("tun4".to_owned());
        };
        assert_eq!(names(findings, device), ["decapsulator"]);
    }

    #[test]
    fn what_comes_out_gets_through() {
        assert_eq!(names(findings, |host| host.all.rp_filter = 1), ["decapsulator", "rp-filter"]);
        assert_eq!(names(findings, |host| host.all.rp_filter = 2), ["decapsulator"]);
        assert_eq!(names(findings, |host| link(host).mtu = 1_500), ["decapsulator", "tunnel-room"]);
    }

    #[test]
    fn without_tunnels_none_of_it_matters() {
        let without = |host: &mut Host| (host.tunnels, host.all.rp_filter) = (false, 1);
        assert_eq!(names(findings, without), [""; 0]);
    }
}
