//! What is measured: the XDP program over a small configuration, in the kernel.

use crate::packet::{VIP_V4, VIP_V6};
use anyhow::Result;
use lb_common::wire::Mac;
use lb_user::agent::{Standings, desired};
use lb_user::bpf::{self, KernelDataplane, Object, Pinning, Sizes};
use lb_user::config::Config;
use lb_user::dataplane::Dataplane;
use lb_user::network::{InterfaceAddress, Link, Neighbour, NeighbourKind, Network, XdpAttachment};
use lb_user::state::{Load, Memory, Observed, plan};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;

/// The balancer's Ethernet address: every packet is for it.
pub(crate) const BALANCER: Mac = Mac::new([2, 0, 0, 0, 0, 0xb0]);

const BACKENDS: u8 = 3;

/// The interface's name in the configuration.
pub(crate) const INTERFACE: &str = "eth0";

/// A version of IP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    V4,
    V6,
}

/// The services for TCP, one of each family, but for their names and VIPs.
pub(crate) struct Services {
    /// More lines of their configuration.
    pub(crate) keys: String,
    /// What addresses their back-ends have, if not those of the VIP's family.
    pub(crate) backends: Option<Family>,
}

impl Services {
    /// As short as a configuration can be.
    pub(crate) const PLAIN: Self = Self { keys: String::new(), backends: None };
}

/// A program of an object, its maps filled as for two TCP services and one UDP service of three back-ends each, which are reached through
/// the interface `ifindex` that the packets come in by.
pub(crate) fn balancer(
    object: &[u8],
    program: &'static str,
    flows: u32,
    ifindex: u32,
    services: &Services,
) -> Result<KernelDataplane> {
    load(object, program, &configuration(flows, services), ifindex)
}

/// A program of an object, its maps filled as this configuration says.
pub(crate) fn load(object: &[u8], program: &'static str, config: &str, ifindex: u32) -> Result<KernelDataplane> {
    let config = Config::parse(Path::new("bench"), config)?;
    let sizes = Sizes::of(&config.flow_table);
    let mut dataplane = KernelDataplane::new(Object::load_from(object, program, sizes, Pinning::Off)?)?;
    let desired = desired(
        &config,
        &network(ifindex),
        &Standings::default(),
        [0x0123_4567_89ab_cdef, 0xfedc_ba98_7654_3210],
        &Observed::default(),
    );
    let changes = plan(&desired, &Observed::default(), &Load::default(), &mut Memory::default(), bpf::now());
    for change in &changes.complete()? {
        dataplane.apply(change)?;
    }
    Ok(dataplane)
}

fn configuration(flows: u32, Services { keys, backends }: &Services) -> String {
    let service = |name, vip: IpAddr, port, protocol, backends, keys| {
        let backends = (1..=BACKENDS)
            .map(|number| format!("{{ name = \"server-{number}\", address = \"{}\" }}", backend(backends, number)))
            .collect::<Vec<_>>()
            .join(", ");
        format!(
            "[[service]]\nname = \"{name}\"\nvip = \"{vip}\"\nport = {port}\nprotocol = \"{protocol}\"\n{keys}\nbackends = [{backends}]\n"
        )
    };
    let (v4, v6) = (backends.unwrap_or(Family::V4), backends.unwrap_or(Family::V6));
    format!(
        "[agent]\ninterfaces = [\"{INTERFACE}\"]\n[flow-table]\nflows = {flows}\n{}{}{}",
        service("web", VIP_V4.into(), 443, "tcp", v4, keys.as_str()),
        service("web6", VIP_V6.into(), 443, "tcp", v6, keys.as_str()),
        service("dns", VIP_V4.into(), 53, "udp", Family::V4, "")
    )
}

fn backend(family: Family, number: u8) -> IpAddr {
    match family {
        Family::V4 => Ipv4Addr::new(192, 168, 0, number).into(),
        Family::V6 => Ipv6Addr::new(0xfd00, 0, 0, 1, 0, 0, 0, number.into()).into(),
    }
}

/// The network that the agent would find.
fn network(ifindex: u32) -> Network {
    let mut network = Network::default();
    let link = Link {
        ifindex,
        name: INTERFACE.to_owned(),
        mac: BALANCER,
        up: true,
        mtu: 1_500,
        vlan: None,
        xdp: XdpAttachment::None,
    };
    network.links.insert(ifindex, link);
    for (family, prefix_len) in [(Family::V4, 24), (Family::V6, 64)] {
        let address = backend(family, 100);
        network.addresses.push(InterfaceAddress { ifindex, address, subnet: address, prefix_len });
        for number in 1..=BACKENDS {
            let mac = Some(Mac::new([2, 0, 0, 0, 1, number]));
            let neighbour = Neighbour { mac, kind: NeighbourKind::Managed, silent: false };
            network.neighbours.insert((ifindex, backend(family, number)), neighbour);
        }
    }
    network
}
