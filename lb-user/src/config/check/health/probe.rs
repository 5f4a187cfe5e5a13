use super::kind::Kind;
use crate::config::check::Checker;
use crate::config::file;
use crate::config::model::{DnsProbe, GrpcProbe, HttpProbe, Probe, Statuses, UdpProbe};
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::{Name, RecordType};
use hyper::Method;
use hyper::http::uri::{Authority, PathAndQuery};
use std::fmt::Display;
use std::ops::RangeInclusive;
use toml::Spanned;

/// Marks bytes in hexadecimal.
const HEX: &str = "hex:";

impl Checker<'_> {
    pub(super) fn probe(&mut self, about: &str, kind: Kind, health: &file::Health) -> Option<Probe> {
        match kind {
            Kind::Tcp => Some(Probe::Tcp),
            Kind::Tls => Some(Probe::Tls(self.tls(about, health, None)?)),
            Kind::Http => Some(Probe::Http(self.http(about, health)?, None)),
            Kind::Https => {
                let http = self.http(about, health);
                let tls = self.tls(about, health, http.as_ref().and_then(|http| http.host.as_ref()));
                Some(Probe::Http(http?, Some(tls?)))
            }
            Kind::Udp => self.udp(about, health).map(Probe::Udp),
            Kind::Dns => self.dns(about, health).map(Probe::Dns),
            Kind::Grpc => self.grpc(about, health),
            Kind::Exec => self.program(about, health).map(Probe::Exec),
        }
    }

    fn http(&mut self, about: &str, health: &file::Health) -> Option<HttpProbe> {
        let method = self.choice(&format!("{about}: method"), health.method.as_ref(), &METHODS);
        let path = match &health.path {
            None => Some(PathAndQuery::from_static("/")),
            Some(path) => self.http_path(about, path),
        };
        let host = self.optional(health.host.as_ref(), |checker, host| checker.http_host(about, host));
        let status = match &health.status {
            None => Some(Statuses::default()),
            Some(text) => self.statuses(about, text),
        };
        let body = self.optional(health.body.as_ref(), |checker, body| {
            checker.some_text(&format!("{about}: body"), body, HttpProbe::MAX_LEN)
        });
        let method = method?;
        if let Some(body) = health.body.as_ref().filter(|_| method == HttpMethod::Head) {
            self.problems
                .add(body, format!("{about}: body has no meaning with method \"HEAD\", whose answers have none"));
        }
        Some(HttpProbe { method: method.into(), path: path?, host: host?, status: status?, body: body? })
    }

    fn http_path(&mut self, about: &str, path: &Spanned<String>) -> Option<PathAndQuery> {
        let text = path.get_ref();
        let checked = text.parse().ok().filter(|_| text.starts_with('/') && text.len() <= HttpProbe::MAX_LEN);
        self.or_reject(checked, path, || {
            format!(
                "{about}: path {text:?} is not a path, as \"/health\", of {} characters at most",
                HttpProbe::MAX_LEN
            )
        })
    }

    fn http_host(&mut self, about: &str, host: &Spanned<String>) -> Option<Authority> {
        let text = host.get_ref();
        let checked = text.parse().ok().filter(|_| !text.contains('@') && text.len() <= HttpProbe::MAX_LEN);
        self.or_reject(checked, host, || {
            format!("{about}: host {text:?} is not a host, as \"www.example.com\" or \"www.example.com:8443\"")
        })
    }

    fn statuses(&mut self, about: &str, text: &Spanned<String>) -> Option<Statuses> {
        let ranges: Option<Vec<_>> = text.get_ref().split(',').map(|range| status_range(range.trim())).collect();
        self.or_reject(ranges.map(Statuses), text, || {
            format!("{about}: status {:?} is not a list of codes from 100 to 599, as \"200-299, 401\"", text.get_ref())
        })
    }

    fn udp(&mut self, about: &str, health: &file::Health) -> Option<UdpProbe> {
        let expect = self.optional(health.expect.as_ref(), |checker, text| checker.bytes(about, "expect", text));
        let send = match &health.send {
            Some(text) => self.bytes(about, "send", text),
            None => {
                let message = format!(
                    "{about}: send is missing: a datagram that back-ends answer, as \"ping\" or \"{HEX}0a0b\" (type \"dns\" knows one)"
                );
                self.problems.reject(&health.kind, message)
            }
        };
        Some(UdpProbe { send: send?, expect: expect?.unwrap_or_default() })
    }

    /// Text, or bytes in hexadecimal.
    fn bytes(&mut self, about: &str, key: &str, text: &Spanned<String>) -> Option<Vec<u8>> {
        let given = text.get_ref();
        let bytes = match given.strip_prefix(HEX) {
            Some(digits) => hex::decode(digits).ok(),
            None => Some(given.clone().into_bytes()),
        };
        self.or_reject(bytes.filter(|bytes| (1..=UdpProbe::MAX_LEN).contains(&bytes.len())), text, || {
            format!(
                "{about}: {key} {given:?} cannot be: use 1 to {} bytes of text, or \"{HEX}0a0b\"",
                UdpProbe::MAX_LEN
            )
        })
    }

    fn dns(&mut self, about: &str, health: &file::Health) -> Option<DnsProbe> {
        let name = match &health.name {
            Some(text) => self.domain(about, text),
            None => {
                let message =
                    format!("{about}: name is missing: what name servers are asked about, as \"example.com\" or \".\"");
                self.problems.reject(&health.kind, message)
            }
        };
        let record = self.choice(&format!("{about}: record"), health.record.as_ref(), &RECORDS);
        let rcode = self.choice(&format!("{about}: rcode"), health.rcode.as_ref(), &RCODES);
        Some(DnsProbe { name: name?, record: record?, rcode: rcode? })
    }

    fn domain(&mut self, about: &str, text: &Spanned<String>) -> Option<Name> {
        let name = Name::from_ascii(text.get_ref()).ok().filter(|_| !text.get_ref().is_empty()).map(|mut name| {
            name.set_fqdn(true);
            name
        });
        self.or_reject(name, text, || {
            format!("{about}: name {:?} is not a domain name, as \"example.com\" or \".\"", text.get_ref())
        })
    }

    fn grpc(&mut self, about: &str, health: &file::Health) -> Option<Probe> {
        let service = self.optional(health.service.as_ref(), |checker, text| {
            checker.some_text(&format!("{about}: service"), text, GrpcProbe::MAX_LEN)
        });
        let tls = if health.tls.as_ref().is_some_and(|tls| *tls.get_ref()) {
            self.tls(about, health, None).map(Some)
        } else {
            self.without_tls(about, health);
            Some(None)
        };
        Some(Probe::Grpc(GrpcProbe { service: service?.unwrap_or_default() }, tls?))
    }

    fn program(&mut self, about: &str, health: &file::Health) -> Option<Vec<String>> {
        let Some(command) = &health.command else {
            let message = format!(
                "{about}: command is missing: the program that checks a back-end, as [\"/usr/lib/handoff/check\"]"
            );
            return self.problems.reject(&health.kind, message);
        };
        self.command(&format!("{about}: command"), command, "[\"/usr/lib/handoff/check\", \"--fast\"]")
    }

    fn some_text(&mut self, key: &str, text: &Spanned<String>, most: usize) -> Option<String> {
        let checked = Some(text.get_ref().clone()).filter(|text| (1..=most).contains(&text.len()));
        self.or_reject(checked, text, || format!("{key} cannot be: use 1 to {most} bytes, or leave it out"))
    }

    /// What `check` makes of a key that may be missing.
    fn optional<T>(
        &mut self,
        key: Option<&Spanned<String>>,
        check: impl FnOnce(&mut Self, &Spanned<String>) -> Option<T>,
    ) -> Option<Option<T>> {
        match key {
            None => Some(None),
            Some(text) => check(self, text).map(Some),
        }
    }

    fn or_reject<T, P, M: Display>(
        &mut self,
        checked: Option<T>,
        place: &Spanned<P>,
        message: impl FnOnce() -> M,
    ) -> Option<T> {
        checked.or_else(|| self.problems.reject(place, message().to_string()))
    }
}

/// `200`, or `200-299`.
fn status_range(text: &str) -> Option<RangeInclusive<u16>> {
    let code = |text: &str| text.parse().ok().filter(|code| text.len() == 3 && (100..=599).contains(code));
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (code(first)?, code(last)?);
    (first <= last).then_some(first..=last)
}

/// Methods that ask, and change nothing.
#[derive(Clone, Copy, PartialEq, Eq)]
enum HttpMethod {
    Get,
    Head,
    Options,
}

impl From<HttpMethod> for Method {
    fn from(method: HttpMethod) -> Self {
        match method {
            HttpMethod::Get => Self::GET,
            HttpMethod::Head => Self::HEAD,
            HttpMethod::Options => Self::OPTIONS,
        }
    }
}

// The first of each is the default.
const METHODS: [(&str, HttpMethod); 3] =
    [("GET", HttpMethod::Get), ("HEAD", HttpMethod::Head), ("OPTIONS", HttpMethod::Options)];
const RECORDS: [(&str, RecordType); 9] = [
    ("A", RecordType::A),
    ("AAAA", RecordType::AAAA),
    ("CNAME", RecordType::CNAME),
    ("MX", RecordType::MX),
    ("NS", RecordType::NS),
    ("PTR", RecordType::PTR),
    ("SOA", RecordType::SOA),
    ("SRV", RecordType::SRV),
    ("TXT", RecordType::TXT),
];
const RCODES: [(&str, ResponseCode); 4] = [
    ("noerror", ResponseCode::NoError),
    ("nxdomain", ResponseCode::NXDomain),
    ("refused", ResponseCode::Refused),
    ("servfail", ResponseCode::ServFail),
];
