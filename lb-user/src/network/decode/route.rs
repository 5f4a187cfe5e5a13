use crate::network::Route;
use crate::network::model::is_link_local;
use netlink_packet_route::route::{RouteAddress, RouteAttribute, RouteMessage, RouteMetric, RouteType, RouteVia};
use nix::libc::{EACCES, EAFNOSUPPORT, EHOSTUNREACH, EINVAL, ENETUNREACH, EOPNOTSUPP};
use std::io;
use std::net::IpAddr;

/// What becomes of packets to the address that the kernel was asked about.
///
/// # Errors
/// The kernel's answer, when it says nothing of a route.
pub(in crate::network) fn route(answer: io::Result<Option<RouteMessage>>) -> io::Result<Route> {
    match answer {
        Ok(answer) => Ok(answer.as_ref().and_then(routed).unwrap_or(Route::Missing)),
        Err(error) => match error.raw_os_error() {
            // The last two: the kernel does not speak this family.
            Some(ENETUNREACH | EAFNOSUPPORT | EOPNOTSUPP) => Ok(Route::Missing),
            Some(EINVAL) => Ok(Route::Discard("blackhole")),
            Some(EHOSTUNREACH) => Ok(Route::Discard("unreachable")),
            Some(EACCES) => Ok(Route::Discard("prohibit")),
            _ => Err(error),
        },
    }
}

fn routed(message: &RouteMessage) -> Option<Route> {
    match message.header.kind {
        RouteType::Unicast => out(&message.attributes),
        RouteType::Local => Some(Route::Local),
        RouteType::Broadcast | RouteType::Anycast | RouteType::Multicast => Some(Route::Group),
        _ => None,
    }
}

fn out(attributes: &[RouteAttribute]) -> Option<Route> {
    let mut ifindex = None;
    let mut gateway = None;
    let mut source = None;
    let mut mtu = None;
    for attribute in attributes {
        match attribute {
            RouteAttribute::Oif(index) => ifindex = Some(*index),
            RouteAttribute::Gateway(address) => gateway = ip(address),
            RouteAttribute::Via(RouteVia::Inet(address)) => gateway = Some((*address).into()),
            RouteAttribute::Via(RouteVia::Inet6(address)) => gateway = Some((*address).into()),
            RouteAttribute::PrefSource(address) => source = ip(address),
            RouteAttribute::Metrics(metrics) => {
                mtu = metrics.iter().find_map(|metric| match metric {
                    RouteMetric::Mtu(mtu) => Some(*mtu),
                    _ => None,
                });
            }
            RouteAttribute::EncapType(_) => return Some(Route::Encapsulated),
            _ => {}
        }
    }
    // No router forwards packets from a link-local address.
    Some(Route::Out { ifindex: ifindex?, gateway, source: source.filter(|&source| !is_link_local(source)), mtu })
}

fn ip(address: &RouteAddress) -> Option<IpAddr> {
    match address {
        RouteAddress::Inet(address) => Some((*address).into()),
        RouteAddress::Inet6(address) => Some((*address).into()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use netlink_packet_route::route::RouteLwEnCapType;
    use std::net::{Ipv4Addr, Ipv6Addr};

    const ROUTER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 9);
    const ROUTER_6: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 9);
    const OWN: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
    const OWN_6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);

    fn answer(kind: RouteType, attributes: Vec<RouteAttribute>) -> Route {
        let mut message = RouteMessage::default();
        message.header.kind = kind;
        message.attributes = attributes;
        route(Ok(Some(message))).unwrap()
    }

    #[test]
    fn a_route_names_the_way_out() {
        use RouteAttribute::{Gateway, Metrics, Oif, PrefSource, Via};
        let gateway_6 = Some(ROUTER_6.into());
        let (own, own_6) = (Some(OWN.into()), Some(OWN_6.into()));
        let cases = [
            // On the segment.
            (vec![Oif(7), PrefSource(OWN.into())], (None, own, None)),
            // Behind a router, with learned or configured path MTU.
            (
                vec![
                    Oif(7),
                    Gateway(ROUTER.into()),
                    PrefSource(OWN.into()),
                    Metrics(vec![RouteMetric::Lock(4), RouteMetric::Mtu(1400)]),
                ],
                (Some(ROUTER.into()), own, Some(1400)),
            ),
            (vec![Oif(7), Gateway(ROUTER_6.into()), PrefSource(OWN_6.into())], (gateway_6, own_6, None)),
            // IPv4 behind an IPv6 router.
            (vec![Oif(7), Via(ROUTER_6.into()), PrefSource(OWN.into())], (gateway_6, own, None)),
            (vec![Oif(7), Metrics(vec![RouteMetric::Hoplimit(3)])], (None, None, None)),
            // A source that goes no further than the router.
            (vec![Oif(7), Gateway(ROUTER_6.into()), PrefSource(ROUTER_6.into())], (gateway_6, None, None)),
        ];
        for (attributes, (gateway, source, mtu)) in cases {
            let expected = Route::Out { ifindex: 7, gateway, source, mtu };
            assert_eq!(answer(RouteType::Unicast, attributes.clone()), expected, "{attributes:?}");
        }
    }

    #[test]
    fn a_route_that_adds_a_header_is_told_from_others() {
        let attributes = vec![RouteAttribute::EncapType(RouteLwEnCapType::Mpls), RouteAttribute::Oif(7)];
        assert_eq!(answer(RouteType::Unicast, attributes), Route::Encapsulated);
    }

    #[test]
    fn what_is_not_sent_to_a_host_is_told_by_the_type_of_the_route() {
        for (kind, expected) in [
            (RouteType::Local, Route::Local),
            (RouteType::Broadcast, Route::Group),
            (RouteType::Multicast, Route::Group),
            (RouteType::Anycast, Route::Group),
            (RouteType::Unspec, Route::Missing),
        ] {
            assert_eq!(answer(kind, vec![RouteAttribute::Oif(7)]), expected, "{kind:?}");
        }
        assert_eq!(answer(RouteType::Unicast, Vec::new()), Route::Missing);
        assert_eq!(route(Ok(None)).unwrap(), Route::Missing);
    }

    #[test]
    fn the_kernel_refuses_with_an_error_that_tells_the_type_of_the_route() {
        for (error, expected) in [
            (ENETUNREACH, Route::Missing),
            (EOPNOTSUPP, Route::Missing),
            (EAFNOSUPPORT, Route::Missing),
            (EINVAL, Route::Discard("blackhole")),
            (EHOSTUNREACH, Route::Discard("unreachable")),
            (EACCES, Route::Discard("prohibit")),
        ] {
            assert_eq!(route(Err(io::Error::from_raw_os_error(error))).unwrap(), expected);
        }
        assert!(route(Err(io::Error::other("the socket is gone"))).is_err());
    }
}
