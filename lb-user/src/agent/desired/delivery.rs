use super::outer::outer;
use crate::config::{Backend, Forwarding, Service, Tunnel};
use crate::network::{Network, NextHop, Reach, Unreachable, VlanProtocol, VlanTag, Vlans};
use crate::state::Delivery;
use lb_common::abi::{self, Outer, Tags};
use lb_common::wire::{Be16, ether_type};
use std::net::IpAddr;

/// How packets of `service` get to `backend`.
///
/// # Errors
/// When they do not at this moment.
pub(in crate::agent) fn delivery(
    service: &Service,
    backend: &Backend,
    network: &Network,
) -> Result<Delivery, Unreachable> {
    let hop = next_hop(service.forwarding, backend, network)?;
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
fn next_hop(forwarding: Forwarding, backend: &Backend, network: &Network) -> Result<NextHop, Unreachable> {
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
    let is_v4 = backend.address.is_ipv4();
    let own = network.addresses.iter().find(|own| own.ifindex == link.ifindex && own.address.is_ipv4() == is_v4);
    Ok(NextHop {
        ifindex: physical.ifindex,
        mac: fixed.mac,
        source_mac: link.mac,
        vlans,
        mtu: link.mtu,
        source: own.map(|own| own.address),
    })
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
