//! How back-ends are checked.

use super::parse;
use crate::config::{
    AllDown, DnsProbe, GrpcProbe, Health, HttpProbe, Probe, Service, Statuses, Tls, Trust, UdpProbe, Via,
};
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::{Name, RecordType};
use hyper::Method;
use hyper::http::uri::{Authority, PathAndQuery};
use rustls::pki_types::ServerName;
use std::path::Path;
use std::time::Duration;

/// Every key of a health check, and those of a service that say what comes of it.
pub(super) const HEALTH: &str = include_str!("health.toml");

fn services() -> Vec<Service> {
    parse(HEALTH).expect("a good file").services
}

/// The check of the service, which has one.
fn check(service: &str) -> Health {
    let service = services().into_iter().find(|it| it.name == service).expect("a service of this name");
    service.health.expect("a check")
}

fn host(name: &'static str) -> Option<ServerName<'static>> {
    Some(name.try_into().expect("the name of a host"))
}

/// A check with the defaults of all types.
fn usual(probe: Probe, port: u16) -> Health {
    Health {
        probe,
        via: Via::Address,
        port,
        interval: Duration::from_millis(250),
        timeout: Duration::from_millis(250),
        jitter: 0.1,
        rise: 3,
        fall: 2,
    }
}

#[test]
fn every_key_of_https_arrives_in_the_model() {
    let found = check("web");
    let Probe::Http(http, Some(Tls { name, trust: Trust::Authorities(path, authorities) })) = found.probe else {
        panic!("{found:?}");
    };
    assert_eq!(
        http,
        HttpProbe {
            method: Method::OPTIONS,
            path: PathAndQuery::from_static("/health?full"),
            host: Some(Authority::from_static("www.example.com:8443")),
            status: Statuses(vec![200..=299, 401..=401]),
            body: Some("fine".to_owned()),
        }
    );
    assert_eq!(name, host("backend.example.com"));
    assert_eq!((path.as_path(), authorities.len()), (Path::new("/tls/ca.pem"), 1));
    assert_eq!((found.via, found.port), (Via::Vip, 8_443));
    assert_eq!((found.interval, found.timeout), (Duration::from_secs(1), Duration::from_millis(500)));
    assert_eq!((found.jitter, found.rise, found.fall), (0.2, 5, 4));
}

#[test]
fn the_keys_of_other_types_arrive_in_the_model() {
    let udp = UdpProbe { send: vec![0, 0xff], expect: b"pong".to_vec() };
    let name = Name::from_ascii("example.com.").expect("a name");
    let dns = DnsProbe { name, record: RecordType::SOA, rcode: ResponseCode::Refused };
    let grpc = GrpcProbe { service: "shop.Cart".to_owned() };
    let command = ["/usr/lib/handoff/check-sctp", "--fast"].map(str::to_owned).to_vec();
    for (service, expected) in [
        ("tls", usual(Probe::Tls(Tls { name: None, trust: Trust::Anybody }), 993)),
        ("game", usual(Probe::Udp(udp), 8_000)),
        ("dns", usual(Probe::Dns(dns), 53)),
        ("rpc", usual(Probe::Grpc(grpc, Some(Tls { name: host("rpc.example.com"), trust: Trust::System })), 50_051)),
        ("signal", usual(Probe::Exec(command), 2_905)),
    ] {
        assert_eq!(check(service), expected, "{service}");
    }
}

#[test]
fn a_request_asks_for_the_root_unless_it_says_otherwise() {
    let http = HttpProbe {
        method: Method::GET,
        path: PathAndQuery::from_static("/"),
        host: None,
        status: Statuses(vec![200..=299]),
        body: None,
    };
    assert_eq!(check("plain"), usual(Probe::Http(http, None), 80));
}

#[test]
fn the_host_of_a_request_is_whose_certificate_is_asked_for() {
    for (authority, name) in [("www.example.com:8443", "www.example.com"), ("[2001:db8::1]:8443", "2001:db8::1")] {
        let text = HEALTH.replace("sni = \"backend.example.com\", ", "").replace("www.example.com:8443", authority);
        let web = parse(&text).expect("a good file").services.remove(0).health.expect("a check");
        let Probe::Http(_, Some(tls)) = web.probe else { panic!("{web:?}") };
        assert_eq!(tls.name, host(name), "{authority}");
    }
}

#[test]
fn what_comes_of_checks_arrives_in_the_model() {
    let of = |service: &Service| (service.slow_start, service.all_down, service.min_ready);
    let services = services();
    assert_eq!(of(&services[0]), (Some(Duration::from_secs(30)), AllDown::Drop, 2));
    assert_eq!(of(&services[1]), (None, AllDown::Pass, 0));
    assert_eq!(of(&services[2]), (None, AllDown::Open, 1));
}

#[test]
fn statuses_are_shown_as_they_are_written() {
    let statuses = Statuses(vec![200..=299, 401..=401]);
    assert_eq!(statuses.to_string(), "200-299, 401");
    assert!([200, 299, 401].iter().all(|code| statuses.contain(*code)));
    assert!(![199, 300, 400].iter().any(|code| statuses.contain(*code)));
}

#[test]
fn the_example_of_the_documentation_is_good() {
    let documentation = include_str!("../../../../docs/health.md");
    let example =
        documentation.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).expect("an example");
    let config = parse(&format!("[agent]\ninterfaces = [\"eth0\"]\n{example}")).expect("a good example");
    assert_eq!(config.services[0].health.as_ref().map(|health| health.via), Some(Via::Vip));
}

/// The longest time until a silent back-end is down, as the documentation says.
#[test]
fn with_the_defaults_a_silent_back_end_is_down_within_a_second() {
    let Health { interval, timeout, jitter, fall, .. } = check("plain");
    let longest = interval.mul_f64(1.0 + jitter).max(timeout) * fall + timeout;
    assert_eq!(longest, Duration::from_millis(800));
}
