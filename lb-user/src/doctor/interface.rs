//! Interfaces of the balancer: the program on them, and what the network card does to packets before it.

use super::{Check, Finding, Severity, worst};
use crate::config::XdpMode;
use crate::network::{Link, XdpAttachment};
use std::collections::BTreeSet;

/// What there is to know of an interface. What the driver does not tell is `None`.
#[derive(Clone, Debug, Default)]
pub(super) struct Interface {
    pub(super) name: String,
    /// As netlink has it; `None` when there is no such Ethernet interface.
    pub(super) link: Option<Link>,
    pub(super) driver: Option<String>,
    /// The driver's features that are on, by ethtool's names.
    pub(super) features: Option<BTreeSet<String>>,
    pub(super) xdp: Option<XdpFeatures>,
    /// Entries of the receive ring.
    pub(super) ring: Option<Share>,
    /// Queues that packets are received on.
    pub(super) queues: Option<Share>,
    /// Packets that the card has lost because there was no room.
    pub(super) missed: u64,
    /// Whether VLAN tags matter there.
    pub(super) has_vlans: bool,
    pub(super) owner: Owner,
}

/// What the driver can do with XDP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct XdpFeatures {
    /// To drop, pass and send back.
    pub(super) basic: bool,
    /// To send what was redirected from another interface.
    pub(super) takes_redirected: bool,
}

/// How much of something is in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Share {
    pub(super) now: u32,
    pub(super) most: u32,
}

/// Whose XDP program is attached.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Owner {
    /// Handoff's, or nobody's.
    #[default]
    Handoff,
    /// Somebody else's, by its name as far as that is known.
    Another(String),
    /// The pins cannot be read.
    Unknown,
}

/// The largest MTU that drivers take which keep a packet in one memory page of 4 KiB: less headroom, tailroom and Ethernet header.
const PAGE_MTU: u32 = 3_498;

/// What is to be said of an interface of a configuration with this mode; `several` are among its interfaces, on a machine with so many CPUs.
pub(super) fn findings(interface: &Interface, mode: XdpMode, several: bool, cpus: u32) -> Vec<Finding> {
    let Some(link) = &interface.link else {
        return vec![finding(interface, Check::InterfaceMissing, "there is no Ethernet interface of this name")];
    };
    let mut findings = attached(interface, link, mode);
    if !link.up {
        findings.push(finding(interface, Check::LinkDown, "it is switched off or has no carrier"));
    }
    findings.extend(driver(interface, link, several));
    findings.extend(queues(interface, cpus));
    if worst(&findings) < Severity::Warning {
        let driver = interface.driver.as_deref().unwrap_or("unknown");
        let text = format!("{} XDP, driver {driver}, MTU {}", link.xdp, link.mtu);
        findings.insert(0, finding(interface, Check::Interface, &text));
    }
    findings
}

/// The program on the interface, and why it is not in the driver.
fn attached(interface: &Interface, link: &Link, mode: XdpMode) -> Vec<Finding> {
    let mut findings = Vec::new();
    match (&interface.owner, link.xdp) {
        (_, XdpAttachment::None) => {
            findings.push(finding(interface, Check::XdpNotAttached, "no XDP program is attached"));
        }
        (Owner::Another(name), _) => {
            findings.push(finding(interface, Check::XdpOfAnother, &format!("the program {name} is attached")));
        }
        (Owner::Unknown, _) => {
            let text = format!("whose XDP program is attached to {} cannot be seen", interface.name);
            findings.push(finding(interface, Check::NotExamined, &text));
        }
        (Owner::Handoff, XdpAttachment::Generic(_)) if mode != XdpMode::Generic => {
            findings.push(finding(interface, Check::XdpGeneric, "the program runs in the generic hook"));
        }
        (Owner::Handoff, _) => {}
    }
    let is_native = matches!(link.xdp, XdpAttachment::Native(_) | XdpAttachment::Offloaded(_));
    if !is_native && mode != XdpMode::Generic {
        if interface.xdp.is_some_and(|xdp| !xdp.basic) {
            findings.push(finding(interface, Check::XdpUnsupported, "the driver says that it has no native XDP"));
        }
        if link.mtu > PAGE_MTU {
            let text = format!("MTU {}: most drivers take up to about {PAGE_MTU} with native XDP", link.mtu);
            findings.push(finding(interface, Check::MtuOverXdp, &text));
        }
    }
    findings
}

/// What the driver does to packets.
fn driver(interface: &Interface, link: &Link, several: bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    let is_on = |feature: &str| interface.features.as_ref().is_some_and(|on| on.contains(feature));
    let is_native = matches!(link.xdp, XdpAttachment::Native(_));
    if several && is_native && interface.xdp.is_some_and(|xdp| !xdp.takes_redirected) {
        findings.push(finding(interface, Check::XdpNoRedirect, "the driver says that it takes no redirected packets"));
    }
    if is_on("rx-lro") {
        findings.push(finding(interface, Check::LroOn, "large receive offload is on"));
    }
    if is_native && interface.has_vlans && is_on("rx-vlan-hw-parse") {
        findings.push(finding(interface, Check::VlanOffloadOn, "VLAN tags are taken off by the card"));
    }
    if interface.driver.as_deref() == Some("veth") {
        findings.push(finding(interface, Check::Veth, "the other end needs GRO, or an XDP program"));
    }
    if interface.missed > 0 {
        findings.push(finding(interface, Check::RxMissed, &format!("{} packets since it is there", interface.missed)));
    }
    findings
}

/// Whether the work is spread, and bursts have room.
fn queues(interface: &Interface, cpus: u32) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut count = |check, count: u32, text: String| {
        let words: [(&str, &dyn std::fmt::Display); 2] = [("INTERFACE", &interface.name), ("COUNT", &count)];
        findings.push(Finding::new(check, &interface.name, &words, text));
    };
    if let Some(Share { now, most }) = interface.queues
        && now < most.min(cpus)
    {
        count(Check::FewQueues, most.min(cpus), format!("{now} of {most} queues, {cpus} CPUs"));
    }
    if let Some(Share { now, most }) = interface.ring
        && now < most / 4
    {
        count(Check::SmallRing, most, format!("{now} of {most} entries"));
    }
    findings
}

fn finding(interface: &Interface, check: Check, found: &str) -> Finding {
    Finding::new(check, &interface.name, &[("INTERFACE", &interface.name)], found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::testing;

    /// What is found on an interface of a good balancer that differs like this.
    fn names(change: impl FnOnce(&mut Interface, &mut Link)) -> Vec<&'static str> {
        let mut link = Link { xdp: XdpAttachment::Native(7), ..testing::link(2, "eth0") };
        let mut interface =
            Interface { name: "eth0".to_owned(), driver: Some("ice".to_owned()), ..Interface::default() };
        change(&mut interface, &mut link);
        interface.link = Some(link);
        findings(&interface, XdpMode::Auto, true, 4).iter().map(|finding| finding.name).collect()
    }

    fn on(features: &[&str]) -> Option<BTreeSet<String>> {
        Some(features.iter().map(|&feature| feature.to_owned()).collect())
    }

    #[test]
    fn what_is_wrong_with_an_interface_has_a_name() {
        assert_eq!(names(|_, _| {}), ["interface"]);
        assert_eq!(names(|_, link| link.up = false), ["link-down"]);
        assert_eq!(names(|_, link| link.xdp = XdpAttachment::None), ["xdp-not-attached"]);
        assert_eq!(names(|_, link| link.xdp = XdpAttachment::Generic(7)), ["xdp-generic"]);
        assert_eq!(names(|interface, _| interface.owner = Owner::Another("xdp_pass".to_owned())), ["xdp-of-another"]);
        assert_eq!(names(|interface, _| interface.owner = Owner::Unknown), ["not-examined"]);
        assert_eq!(names(|interface, _| interface.features = on(&["rx-lro"])), ["lro-on"]);
        assert_eq!(names(|interface, _| interface.missed = 1), ["rx-missed"]);
        let absent = Interface { name: "eth7".to_owned(), ..Interface::default() };
        assert_eq!(findings(&absent, XdpMode::Auto, false, 4)[0].name, "interface-missing");
    }

    #[test]
    fn a_large_mtu_matters_where_the_program_is_not_in_the_driver() {
        assert_eq!(names(|_, link| link.mtu = 9_000), ["interface"]);
        let generic = |_: &mut Interface, link: &mut Link| (link.xdp, link.mtu) = (XdpAttachment::Generic(7), 9_000);
        assert_eq!(names(generic), ["xdp-generic", "mtu-over-xdp"]);
    }

    #[test]
    fn generic_mode_is_no_surprise_to_who_asked_for_it() {
        let link = Link { xdp: XdpAttachment::Generic(7), mtu: 9_000, ..testing::link(2, "eth0") };
        let interface = Interface { link: Some(link), ..Interface::default() };
        let findings = findings(&interface, XdpMode::Generic, false, 4);
        assert_eq!(findings.iter().map(|finding| finding.name).collect::<Vec<_>>(), ["interface"]);
    }

    #[test]
    fn tags_that_the_card_takes_off_matter_where_there_are_vlans() {
        let offload = on(&["rx-vlan-hw-parse"]);
        assert_eq!(names(|interface, _| interface.features = offload.clone()), ["interface"]);
        let with_vlans = |interface: &mut Interface, _: &mut Link| {
            (interface.features, interface.has_vlans) = (offload.clone(), true);
        };
        assert_eq!(names(with_vlans), ["vlan-offload-on"]);
    }

    #[test]
    fn what_the_driver_says_of_xdp_counts_where_it_is_needed() {
        let xdp = |basic, takes_redirected| Some(XdpFeatures { basic, takes_redirected });
        assert_eq!(names(|interface, _| interface.xdp = xdp(true, false)), ["xdp-no-redirect"]);
        let generic = |interface: &mut Interface, link: &mut Link| {
            (interface.xdp, link.xdp) = (xdp(false, false), XdpAttachment::Generic(7));
        };
        assert_eq!(names(generic), ["xdp-generic", "xdp-unsupported"]);
    }

    #[test]
    fn queues_and_rings_are_measured_against_what_there_could_be() {
        let share = |now, most| Some(Share { now, most });
        assert_eq!(names(|interface, _| interface.queues = share(4, 64)), ["interface"]);
        assert_eq!(names(|interface, _| interface.queues = share(1, 2)), ["interface", "few-queues"]);
        assert_eq!(names(|interface, _| interface.ring = share(1_024, 4_096)), ["interface"]);
        assert_eq!(names(|interface, _| interface.ring = share(512, 4_096)), ["interface", "small-ring"]);
    }
}
