use crate::config::Place;
use crate::config::check::Checker;
use crate::config::file;
use crate::config::model::Protocol;
use crate::config::problems::Problems;
use toml::Spanned;

/// A type of health check, by name alone.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Tcp,
    Tls,
    Http,
    Https,
    Udp,
    Dns,
    Grpc,
    Exec,
}

pub(super) const KINDS: [(&str, Kind); 8] = [
    ("tcp", Kind::Tcp),
    ("tls", Kind::Tls),
    ("http", Kind::Http),
    ("https", Kind::Https),
    ("udp", Kind::Udp),
    ("dns", Kind::Dns),
    ("grpc", Kind::Grpc),
    ("exec", Kind::Exec),
];

impl Kind {
    /// What probes are sent by; `None`: nobody knows.
    pub(super) fn protocol(self) -> Option<Protocol> {
        match self {
            Self::Tcp | Self::Tls | Self::Http | Self::Https | Self::Grpc => Some(Protocol::Tcp),
            Self::Udp | Self::Dns => Some(Protocol::Udp),
            Self::Exec => None,
        }
    }

    /// The names of those that are `wanted`.
    pub(super) fn list(wanted: impl Fn(Self) -> bool) -> String {
        let names: Vec<_> =
            KINDS.iter().filter(|(_, kind)| wanted(*kind)).map(|(name, _)| format!("{name:?}")).collect();
        names.join(" or ")
    }
}

impl Checker<'_> {
    /// Reports keys that say nothing about checks of this type.
    pub(super) fn without_meaning(&mut self, about: &str, kind: Kind, health: &file::Health) {
        for (key, place, kinds) in keys(&self.problems, health) {
            if let Some(place) = place.filter(|_| !kinds.contains(&kind)) {
                let message = format!(
                    "{about}: {key} has no meaning with type {:?}: it is for {}",
                    health.kind.get_ref(),
                    Kind::list(|kind| kinds.contains(&kind))
                );
                self.problems.add_at(place, message);
            }
        }
    }
}

/// Keys that not every type has: where each is, if it is there, and the types that have it.
fn keys(problems: &Problems, health: &file::Health) -> [(&'static str, Option<Place>, &'static [Kind]); 16] {
    const HTTP: &[Kind] = &[Kind::Http, Kind::Https];
    const TLS: &[Kind] = &[Kind::Tls, Kind::Https, Kind::Grpc];
    const UDP: &[Kind] = &[Kind::Udp];
    const DNS: &[Kind] = &[Kind::Dns];
    const GRPC: &[Kind] = &[Kind::Grpc];
    let text = |key: &Option<Spanned<String>>| key.as_ref().map(|text| problems.place(text));
    let flag = |key: &Option<Spanned<bool>>| key.as_ref().map(|flag| problems.place(flag));
    [
        ("method", text(&health.method), HTTP),
        ("path", text(&health.path), HTTP),
        ("host", text(&health.host), HTTP),
        ("status", text(&health.status), HTTP),
        ("body", text(&health.body), HTTP),
        ("sni", text(&health.sni), TLS),
        ("ca-file", text(&health.ca_file), TLS),
        ("insecure", flag(&health.insecure), TLS),
        ("send", text(&health.send), UDP),
        ("expect", text(&health.expect), UDP),
        ("name", text(&health.name), DNS),
        ("record", text(&health.record), DNS),
        ("rcode", text(&health.rcode), DNS),
        ("tls", flag(&health.tls), GRPC),
        ("service", text(&health.service), GRPC),
        ("command", health.command.as_ref().map(|command| problems.place(command)), &[Kind::Exec]),
    ]
}
