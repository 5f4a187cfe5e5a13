use super::outer::outer;
use crate::config::{Backend, Config, Forwarding, Service, Tunnel};
use crate::network::{Link, Network, NextHop, Reach, Unreachable, VlanProtocol, VlanTag, Vlans};
use crate::state::Delivery;
use lb_common::abi::{self, Outer, Tags};
use lb_common::wire::{Be16, ether_type};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// How packets of `service` get to `backend`.
///
/// # Errors
/// When they do not at this moment.
pub(crate) fn delivery(
    config: &Config,
    service: &Service,
    backend: &Backend,
    network: &Network,
) -> Result<Delivery, Unreachable> {
    let hop = next_hop(config, service.forwarding, backend, network)?;
    let (forwarding, outer) = form(service.forwarding, backend, &hop)?;
    let largest = (hop.mtu as usize).saturating_sub(forwarding.overhead());
    Ok(Delivery {
        ifindex: hop.ifindex,
        mac: hop.mac,
        source_mac: hop.source_mac,
        tags: tags(backend, hop.vlans),
        forwarding,
        max_len: u16::try_from(largest).unwrap_or(u16::MAX),
        outer,
    })
}

/// The next hop on the way to `backend`: the one that the configuration fixes, or the one that the network knows.
fn next_hop(
    config: &Config,
    forwarding: Forwarding,
    backend: &Backend,
    network: &Network,
) -> Result<NextHop, Unreachable> {
    let Some(fixed) = &backend.next_hop else {
        return network.next_hop(backend.address, Reach::of(forwarding));
    };
    let name = || fixed.interface.as_str().to_owned();
    let link =
        network.link_by_name(fixed.interface.as_str()).ok_or_else(|| Unreachable::NoLink { interface: name() })?;
    let (physical, vlans) = network.physical(link)?;
    if !physical.up || !link.up {
        return Err(Unreachable::LinkDown { interface: name() });
    }
    Ok(NextHop {
        ifindex: physical.ifindex,
        mac: fixed.mac,
        source_mac: link.mac,
        vlans,
        mtu: link.mtu,
        source: own_address(config, link, backend.address.is_ipv4(), network),
    })
}

/// The balancer's own address on the interface: one that the back-end's answers, as ICMP errors, find the way back to. Those to a VIP would
/// be taken for a client's, and a link-local address is none beyond the next router.
fn own_address(config: &Config, link: &Link, is_v4: bool, network: &Network) -> Option<IpAddr> {
    let is_link_local = |address| match address {
        IpAddr::V4(address) => Ipv4Addr::is_link_local(&address),
        IpAddr::V6(address) => Ipv6Addr::is_unicast_link_local(&address),
    };
    let is_vip = |address| config.services.iter().any(|service| service.vip == address);
    let on_link = network.addresses.iter().filter(|own| own.ifindex == link.ifindex).map(|own| own.address);
    on_link.filter(|own| own.is_ipv4() == is_v4).find(|&own| !is_link_local(own) && !is_vip(own))
}

fn form(forwarding: Forwarding, backend: &Backend, hop: &NextHop) -> Result<(abi::Forwarding, Outer), Unreachable> {
    let (tunnel, port) = match forwarding {
        Forwarding::L2Dsr => return Ok((abi::Forwarding::L2_DSR, Outer::NONE)),
        Forwarding::Ipip(tunnel) => (tunnel, None),
        Forwarding::Gue(tunnel, port) => (tunnel, Some(port)),
    };
    let source = source(tunnel, backend, hop).ok_or(Unreachable::NoSource { address: backend.address })?;
    let kind = match (backend.address, port) {
        (IpAddr::V4(_), None) => abi::Forwarding::IPIP_V4,
        (IpAddr::V6(_), None) => abi::Forwarding::IPIP_V6,
        (IpAddr::V4(_), Some(_)) => abi::Forwarding::GUE_V4,
        (IpAddr::V6(_), Some(_)) => abi::Forwarding::GUE_V6,
    };
    Ok((kind, outer(source, backend.address, port)))
}

/// The prefix that outer source addresses are taken from: the configured one, or the balancer's own address alone.
fn source(tunnel: Tunnel, backend: &Backend, hop: &NextHop) -> Option<(IpAddr, u8)> {
    let (configured, full) = match backend.address {
        IpAddr::V4(_) => (tunnel.source_v4, 32),
        IpAddr::V6(_) => (tunnel.source_v6, 128),
    };
    let own = hop.source.filter(|source| source.is_ipv4() == backend.address.is_ipv4());
    configured.map(|prefix| (prefix.address, prefix.len)).or(own.map(|own| (own, full)))
}

fn tags(backend: &Backend, vlans: Vlans) -> Tags {
    match (backend.vlans.as_deref(), vlans) {
        (Some([]), _) | (None, Vlans::Untagged) => Tags::NONE,
        (Some([id]), _) => Tags::one(*id, ether_type::VLAN),
        (Some([outer, inner, ..]), _) => Tags::two([*outer, *inner], [ether_type::SERVICE_VLAN, ether_type::VLAN]),
        (None, Vlans::Keep) => Tags::KEEP,
        (None, Vlans::Single(tag)) => Tags::one(tag.id, kind(tag)),
        (None, Vlans::Double(outer, inner)) => Tags::two([outer.id, inner.id], [kind(outer), kind(inner)]),
    }
}

fn kind(tag: VlanTag) -> Be16 {
    match tag.protocol {
        VlanProtocol::Dot1Q => ether_type::VLAN,
        VlanProtocol::Dot1Ad => ether_type::SERVICE_VLAN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::{InterfaceAddress, XdpAttachment};
    use lb_common::wire::Mac;
    use std::path::Path;

    /// The source of tunnels out of an interface that has these addresses, on a balancer with the VIPs 192.0.2.1 and 2001:db8::1.
    fn source(addresses: &[&str], is_v4: bool) -> Option<IpAddr> {
        let service = |(name, vip, backend)| {
            let backends = format!("backends = [{{ name = \"web\", address = \"{backend}\" }}]");
            format!("[[service]]\nname = \"{name}\"\nvip = \"{vip}\"\nport = 80\n{backends}\n")
        };
        let services = [("v4", "192.0.2.1", "192.0.2.2"), ("v6", "2001:db8::1", "2001:db8::2")].map(service).concat();
        let text = format!("[agent]\ninterfaces = [\"eth0\"]\n{services}");
        let config = Config::parse(Path::new("test"), &text).expect("a configuration");
        let link = Link {
            ifindex: 2,
            name: "eth0".to_owned(),
            mac: Mac::new([2, 0, 0, 0, 0, 1]),
            up: true,
            mtu: 1_500,
            vlan: None,
            xdp: XdpAttachment::None,
        };
        let own = |(ifindex, address): (u32, &str)| {
            let address: IpAddr = address.parse().expect("an address");
            InterfaceAddress { ifindex, address, subnet: address, prefix_len: if address.is_ipv4() { 32 } else { 128 } }
        };
        let elsewhere = [(3, "10.0.3.1"), (3, "2001:db8:3::1")];
        let all = elsewhere.into_iter().chain(addresses.iter().map(|&address| (2, address)));
        let network = Network { addresses: all.map(own).collect(), ..Network::default() };
        own_address(&config, &link, is_v4, &network)
    }

    #[test]
    fn tunnels_begin_at_an_address_that_is_the_balancers_alone() {
        let addresses = ["fe80::1", "169.254.0.1", "192.0.2.1", "2001:db8::1", "10.0.2.1", "2001:db8:2::1"];
        assert_eq!(source(&addresses, true), "10.0.2.1".parse().ok());
        assert_eq!(source(&addresses, false), "2001:db8:2::1".parse().ok());
        assert_eq!(source(&addresses[..4], true), None);
        assert_eq!(source(&addresses[..4], false), None);
    }
}
