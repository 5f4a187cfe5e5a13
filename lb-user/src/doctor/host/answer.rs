use super::Host;
use crate::config::Protocol;
use crate::doctor::{Check, Finding};
use crate::network::Route;
use std::net::IpAddr;

pub(super) fn findings(host: &Host) -> Vec<Finding> {
    let ports = host.ports.iter().flat_map(|&port| host.vips.iter().map(move |&vip| listener(host, vip, port)));
    let clients = host.clients.iter().filter_map(|&client| no_way_back(host, client));
    ports.chain(clients).collect()
}

fn listener(host: &Host, vip: IpAddr, (protocol, port): (Protocol, u16)) -> Finding {
    let on_vip = host.listeners.iter().filter(|(its, endpoint)| *its == protocol && endpoint.port() == port);
    // A socket for all IPv6 addresses is one for all IPv4 addresses as well, unless its owner says otherwise, which nobody can see.
    let hears = |own: IpAddr| own == vip || own.is_unspecified() && (own.is_ipv6() || vip.is_ipv4());
    let found = on_vip.map(|(_, endpoint)| endpoint).find(|endpoint| hears(endpoint.ip().to_canonical()));
    let on = format!("{vip} {port}/{protocol}");
    match found {
        Some(endpoint) => Finding::new(Check::Listener, on, &[], format!("a server listens on {endpoint}")),
        None => Finding::new(Check::PortSilent, on, &[("VIP", &vip)], "no server listens there"),
    }
}

fn no_way_back(host: &Host, client: IpAddr) -> Option<Finding> {
    let found = match host.network.routes.get(&client) {
        Some(Route::Missing) | None => "there is no route".to_owned(),
        Some(Route::Discard(kind)) => format!("a route of type {kind} discards the answers"),
        Some(_) => return None,
    };
    Some(Finding::new(Check::NoWayBack, client, &[], found))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::host::testing::names;

    fn listening(endpoint: &str) -> Vec<&'static str> {
        let listeners = [(Protocol::Tcp, endpoint.parse().expect("an endpoint"))];
        names(findings, |host| host.listeners = listeners.into())
    }

    #[test]
    fn a_server_listens_on_the_vip_or_everywhere() {
        assert_eq!(listening("[::]:443"), ["listener", "listener"]);
        assert_eq!(listening("0.0.0.0:443"), ["listener", "port-silent"]);
        assert_eq!(listening("[2001:db8::10]:443"), ["port-silent", "listener"]);
        assert_eq!(listening("[::ffff:192.0.2.10]:443"), ["listener", "port-silent"]);
        assert_eq!(listening("127.0.0.1:443"), ["port-silent", "port-silent"]);
        assert_eq!(listening("0.0.0.0:80"), ["port-silent", "port-silent"]);
    }

    #[test]
    fn answers_need_a_route() {
        let route = |route| {
            move |host: &mut Host| {
                host.ports.clear();
                host.network.routes.insert(host.clients[0], route);
            }
        };
        assert_eq!(names(findings, route(Route::Missing)), ["no-way-back"]);
        assert_eq!(names(findings, route(Route::Discard("blackhole"))), ["no-way-back"]);
        assert_eq!(names(findings, route(Route::Encapsulated)), [""; 0]);
    }
}
