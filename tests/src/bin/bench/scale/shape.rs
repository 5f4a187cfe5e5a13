//! How much there is of everything.

use crate::packet::VIP_V4;
use crate::subject::INTERFACE;
use serde::Serialize;
use std::net::Ipv4Addr;

/// What there is more and more of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Axis {
    /// Services.
    Services,
    /// Back-ends of the service that packets are for.
    Backends,
    /// Flows that are remembered.
    Flows,
    /// Prefixes of the service's access list.
    Prefixes,
}

/// How much there is of everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Shape {
    pub(crate) services: u32,
    pub(crate) backends: u32,
    pub(crate) flows: u32,
    pub(crate) prefixes: u32,
}

/// Back-ends of all other services.
const FEW: u32 = 3;

impl Axis {
    pub(crate) const ALL: [Self; 4] = [Self::Services, Self::Backends, Self::Flows, Self::Prefixes];

    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Services => "services",
            Self::Backends => "back-ends of a service",
            Self::Flows => "flows",
            Self::Prefixes => "prefixes of an access list",
        }
    }

    const fn points(self) -> &'static [u32] {
        match self {
            Self::Services => &[1, 32, 1_024],
            Self::Backends => &[3, 64, 1_024],
            Self::Flows => &[1 << 10, 1 << 16, 1 << 20, 1 << 23],
            Self::Prefixes => &[0, 1_000, 100_000],
        }
    }
}

/// What is measured: along each axis, everything else being little.
pub(crate) fn all() -> Vec<(Axis, Shape)> {
    let points = Axis::ALL.into_iter().flat_map(|axis| axis.points().iter().map(move |&point| (axis, point)));
    let shapes = points.map(|(axis, point)| {
        let mut shape = Shape { services: 1, backends: FEW, flows: 1 << 10, prefixes: 0 };
        match axis {
            Axis::Services => shape.services = point,
            Axis::Backends => shape.backends = point,
            Axis::Flows => shape.flows = point,
            Axis::Prefixes => shape.prefixes = point,
        }
        (axis, shape)
    });
    shapes.collect()
}

impl Shape {
    /// How much there is of what an axis is about.
    pub(crate) fn along(self, axis: Axis) -> u32 {
        match axis {
            Axis::Services => self.services,
            Axis::Backends => self.backends,
            Axis::Flows => self.flows,
            Axis::Prefixes => self.prefixes,
        }
    }

    /// Room in the flow table: as the documentation advises, but no less than there is by default.
    pub(crate) fn room(self) -> u32 {
        (4 * self.flows).max(1 << 20)
    }

    /// The services of a configuration, the one that packets are for with so many back-ends fewer.
    pub(crate) fn services(self, fewer: u32) -> String {
        let prefixes: Vec<_> = (0..self.prefixes).map(|number| format!("\"{}\"", allowed(number))).collect();
        let allow = if prefixes.is_empty() { String::new() } else { format!("allow = [{}]\n", prefixes.join(",")) };
        let vip = Ipv4Addr::from(VIP_V4);
        let mut text = service("web", vip, &allow, self.backends - fewer);
        for number in 1..self.services {
            text += &service(&format!("other-{number}"), Ipv4Addr::from(0xc613_0000 + number), "", FEW);
        }
        text
    }
}

/// Of the prefixes that clients are in, the one of all, or one of a client alone: every other client has one.
fn allowed(number: u32) -> String {
    if number == 0 { "10.0.0.0/8".to_owned() } else { format!("{}/32", Ipv4Addr::from(0x0a00_0000 + 2 * number)) }
}

fn service(name: &str, vip: Ipv4Addr, more: &str, backends: u32) -> String {
    let backends: Vec<_> = (1..=backends).map(backend).collect();
    format!("[[service]]\nname = \"{name}\"\nvip = \"{vip}\"\nport = 443\n{more}backends = [{}]\n", backends.join(", "))
}

/// Nobody answers there, so its Ethernet address is said.
fn backend(number: u32) -> String {
    let [_, _, high, low] = number.to_be_bytes();
    let address = Ipv4Addr::from(0xc612_0400 + number + number / 250 * 6);
    format!(
        "{{ name = \"server-{number}\", address = \"{address}\", mac = \"02:00:00:01:{high:02x}:{low:02x}\", interface = \"{INTERFACE}\" }}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use lb_user::config::Config;
    use std::path::Path;

    #[test]
    fn every_shape_is_a_configuration_of_so_much() {
        for (_, shape) in all() {
            let text = format!("[agent]\ninterfaces = [\"{INTERFACE}\"]\n{}", shape.services(0));
            let config = Config::parse(Path::new("scale"), &text).unwrap();
            let backends = config.services[0].backends.len();
            assert_eq!((config.services.len(), backends), (shape.services as usize, shape.backends as usize));
        }
    }
}
