use super::Host;
use crate::doctor::{Check, Finding};
use std::fmt::Display;
use std::net::IpAddr;

pub(super) fn findings(host: &Host) -> Vec<Finding> {
    let mut findings: Vec<_> = host.vips.iter().map(|&vip| of_vip(host, vip)).collect();
    if host.vips.iter().any(IpAddr::is_ipv6) {
        findings.extend(host.without_ipv6.iter().map(|interface| {
            let words: [(&str, &dyn Display); 1] = [("INTERFACE", interface)];
            Finding::new(Check::Ipv6Off, interface, &words, "disable_ipv6 is 1")
        }));
    }
    findings
}

fn of_vip(host: &Host, vip: IpAddr) -> Finding {
    let length = if vip.is_ipv4() { 32 } else { 128 };
    let found = |check, interface: &str, text: String| {
        let words: [(&str, &dyn Display); 3] = [("VIP", &vip), ("LENGTH", &length), ("INTERFACE", &interface)];
        Finding::new(check, vip, &words, text)
    };
    if host.undecided.contains(&vip) {
        return found(Check::VipTentative, "lo", "the address is tentative, or another host has it".to_owned());
    }
    let own: Vec<_> = host.network.addresses.iter().filter(|own| own.address == vip).collect();
    let links = host.arrival.iter().filter_map(|arrival| arrival.link.as_ref());
    let announced = links.into_iter().find(|link| own.iter().any(|own| own.ifindex == link.ifindex));
    match (own.first(), announced) {
        (None, _) => found(Check::VipMissing, "lo", "it is no address of this host".to_owned()),
        (_, Some(link)) => found(Check::VipAnnounced, &link.name, format!("it is an address of {}", link.name)),
        (Some(own), None) => {
            let name = host.network.links.get(&own.ifindex).map_or("lo", |link| &link.name);
            found(Check::VipHere, name, format!("it is an address of {name}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::host::testing::names;

    #[test]
    fn a_vip_is_here_and_nowhere_else() {
        let vip = IpAddr::from([192, 0, 2, 10]);
        assert_eq!(names(findings, |_| {}), ["vip", "vip"]);
        assert_eq!(names(findings, |host| host.network.addresses.clear()), ["vip-missing", "vip-missing"]);
        assert_eq!(names(findings, |host| host.undecided = [host.vips[1]].into()), ["vip", "vip-tentative"]);
        let on_eth0 = |host: &mut Host| {
            host.network.addresses.iter_mut().filter(|own| own.address == vip).for_each(|own| own.ifindex = 2);
        };
        assert_eq!(names(findings, on_eth0), ["vip-announced", "vip"]);
    }

    #[test]
    fn ipv6_matters_to_ipv6_vips() {
        let off = |host: &mut Host| host.without_ipv6 = ["lo".to_owned()].into();
        assert_eq!(names(findings, off), ["vip", "vip", "ipv6-off"]);
        let v4_only = |host: &mut Host| {
            off(host);
            host.vips.truncate(1);
        };
        assert_eq!(names(findings, v4_only), ["vip"]);
    }
}
