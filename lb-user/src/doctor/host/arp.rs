use super::{Arrival, Host};
use crate::doctor::{Check, Finding};
use std::net::IpAddr;

/// IPv6 needs no settings: the kernel answers neighbour solicitations only for addresses of the interface that they come in by.
pub(super) fn findings(host: &Host) -> Vec<Finding> {
    if !host.vips.iter().any(IpAddr::is_ipv4) {
        return Vec::new();
    }
    host.arrival.iter().flat_map(|arrival| of_interface(host, arrival)).collect()
}

fn of_interface(host: &Host, arrival: &Arrival) -> Vec<Finding> {
    let ignore = host.all.arp_ignore.max(arrival.settings.arp_ignore);
    let announce = host.all.arp_announce.max(arrival.settings.arp_announce);
    let found = |check, setting: &str, value: u8| {
        Finding::new(check, &arrival.name, &[("INTERFACE", &arrival.name)], format!("{setting} is {value}"))
    };
    // 1, 2 and 8 keep silent about loopback's addresses; 0 does not, and 3 tells them by their scope.
    let answered = (!matches!(ignore, 1 | 2 | 8)).then(|| found(Check::ArpAnswered, "arp_ignore", ignore));
    let announced = (announce < 2).then(|| found(Check::ArpAnnounced, "arp_announce", announce));
    answered.into_iter().chain(announced).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::host::testing::names;

    #[test]
    fn the_greater_value_counts() {
        assert_eq!(names(findings, |_| {}), [""; 0]);
        assert_eq!(names(findings, |host| host.all.arp_ignore = 0), ["arp-answered"]);
        assert_eq!(names(findings, |host| host.all.arp_ignore = 3), ["arp-answered"]);
        assert_eq!(names(findings, |host| host.all.arp_announce = 1), ["arp-announced"]);
        let by_interface = |host: &mut Host| {
            (host.all, host.arrival[0].settings) = (host.arrival[0].settings, host.all);
        };
        assert_eq!(names(findings, by_interface), [""; 0]);
    }

    #[test]
    fn ipv6_needs_no_silence() {
        let v6_only = |host: &mut Host| {
            host.all.arp_ignore = 0;
            host.vips.remove(0);
        };
        assert_eq!(names(findings, v6_only), [""; 0]);
    }
}
