use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// What the kernel does with packets to an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// It sends them, as Ethernet frames if the interface is an Ethernet one.
    Out {
        /// Index of the interface that they leave by.
        ifindex: u32,
        /// The router that they are sent to, which may be of the other family; `None` when the address is on the segment itself.
        gateway: Option<IpAddr>,
        /// The balancer's own address that they are sent from; `None` when it has none that a router would forward.
        source: Option<IpAddr>,
        /// Longest packet, in bytes, if that differs from what the interface takes.
        mtu: Option<u32>,
    },
    /// It sends them with a header in front that XDP knows nothing of, as of a tunnel or MPLS.
    Encapsulated,
    /// It keeps them: the address is the balancer's own.
    Local,
    /// It gives them to a group: broadcast, multicast or anycast.
    Group,
    /// It discards them on purpose, by a route of this type: `blackhole`, `unreachable` or `prohibit`.
    Discard(&'static str),
    /// It does not know where to send them.
    Missing,
}

/// How old a route may get. The kernel says when routes, interfaces and addresses change, but it is silent about path MTUs that it
/// learned or forgot, redirects, and gateways that it chose by their reachability.
const MAX_AGE: Duration = Duration::from_secs(30);

/// Routes to addresses, until something may have changed them.
#[derive(Debug)]
pub(super) struct RouteCache {
    routes: BTreeMap<IpAddr, Route>,
    /// What the kernel had reported when they were asked for.
    version: u64,
    since: Instant,
}

impl RouteCache {
    pub(super) fn new(now: Instant) -> Self {
        Self { routes: BTreeMap::new(), version: 0, since: now }
    }

    /// Forgets what is out of date or not `wanted` any more; returns those that are to be asked for. `version` is another one after
    /// every report that may concern a route.
    pub(super) fn refresh(&mut self, wanted: &BTreeSet<IpAddr>, version: u64, now: Instant) -> Vec<IpAddr> {
        if self.version != version || now.duration_since(self.since) >= MAX_AGE {
            *self = Self { version, ..Self::new(now) };
        }
        self.routes.retain(|address, _| wanted.contains(address));
        wanted.iter().filter(|address| !self.routes.contains_key(address)).copied().collect()
    }

    pub(super) fn insert(&mut self, address: IpAddr, route: Route) {
        self.routes.insert(address, route);
    }

    pub(super) fn routes(&self) -> &BTreeMap<IpAddr, Route> {
        &self.routes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{Ipv4Addr, Ipv6Addr};

    const A: IpAddr = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 1));
    const B: IpAddr = IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1));

    /// Asks for what `cache` lacks; returns what that was.
    fn ask(cache: &mut RouteCache, wanted: &[IpAddr], version: u64, now: Instant) -> Vec<IpAddr> {
        let wanted = wanted.iter().copied().collect();
        let asked = cache.refresh(&wanted, version, now);
        for &address in &asked {
            cache.insert(address, Route::Missing);
        }
        assert!(cache.routes().keys().eq(&wanted));
        asked
    }

    #[test]
    fn a_route_is_asked_for_once_until_something_changes() {
        let start = Instant::now();
        let mut cache = RouteCache::new(start);
        assert_eq!(ask(&mut cache, &[A], 0, start), [A]);
        assert!(ask(&mut cache, &[A], 0, start).is_empty());
        assert_eq!(ask(&mut cache, &[A, B], 0, start), [B]);
        assert_eq!(ask(&mut cache, &[A, B], 1, start), [A, B]);
        assert!(ask(&mut cache, &[A, B], 1, start).is_empty());
    }

    #[test]
    fn routes_that_nobody_wants_any_more_are_forgotten() {
        let start = Instant::now();
        let mut cache = RouteCache::new(start);
        assert_eq!(ask(&mut cache, &[A, B], 0, start), [A, B]);
        assert!(ask(&mut cache, &[B], 0, start).is_empty());
        assert_eq!(ask(&mut cache, &[A, B], 0, start), [A]);
    }

    #[test]
    fn all_routes_are_asked_for_again_when_they_are_old() {
        let start = Instant::now();
        let mut cache = RouteCache::new(start);
        assert_eq!(ask(&mut cache, &[A], 0, start), [A]);
        let young = start + MAX_AGE - Duration::from_secs(1);
        assert_eq!(ask(&mut cache, &[A, B], 0, young), [B]);
        assert_eq!(ask(&mut cache, &[A, B], 0, start + MAX_AGE), [A, B]);
        assert!(ask(&mut cache, &[A, B], 0, start + MAX_AGE).is_empty());
    }

    #[test]
    fn what_was_not_answered_is_asked_for_again() {
        let start = Instant::now();
        let mut cache = RouteCache::new(start);
        let wanted = [A, B].into();
        assert_eq!(cache.refresh(&wanted, 0, start), [A, B]);
        cache.insert(A, Route::Missing);
        assert_eq!(cache.refresh(&wanted, 0, start), [B]);
    }
}
