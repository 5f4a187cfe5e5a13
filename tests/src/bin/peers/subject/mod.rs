//! What is measured: ways from the client to the back-ends, each set up from nothing and taken down again.

mod handoff;
mod ipvs;
mod nftables;
mod proxy;

use crate::memory::Memory;
use crate::place::{Place, addresses, balancer};
use anyhow::Result;
use clap::ValueEnum;
use lb_tests::figures::version;
use lb_tests::scene::program;
use serde::Serialize;
use std::process::Command;

/// A way from the client to the back-ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Subject {
    /// The client sends to the back-ends themselves.
    Direct,
    /// A router in the balancer's place; back-ends answer directly. The hops of a hand-off.
    Routing,
    /// The same over a link that is made ready for XDP, as Handoff needs it.
    RoutingXdpLink,
    /// Plain routing, but answers go through the router as well. The hops of address translation and of proxies.
    RoutingBothWays,
    /// Handoff with `forwarding = "l2-dsr"`.
    L2Dsr,
    /// Handoff with `forwarding = "ipip"`, and `handoff decap` on the back-ends.
    Ipip,
    /// IPVS with direct routing.
    IpvsDr,
    /// nftables with DNAT in turn.
    Nftables,
    /// HAProxy in TCP mode.
    Haproxy,
    /// nginx with its stream module.
    Nginx,
}

/// A subject that is set up.
pub(crate) trait Standing {
    /// The memory that it takes at the balancer.
    fn memory(&self) -> Result<Memory>;

    /// Seconds that its XDP program has run while the kernel kept time, if it has one.
    fn program_time(&self) -> Result<Option<f64>> {
        Ok(None)
    }

    /// Takes it down.
    fn take_down(self: Box<Self>) -> Result<()>;
}

impl Subject {
    /// All of them.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        Self::value_variants().iter().copied()
    }

    /// Its name in tables.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Direct => "client to server, no balancer",
            Self::Routing => "plain routing, direct return",
            Self::RoutingXdpLink => "plain routing, link ready for XDP",
            Self::RoutingBothWays => "plain routing, both ways",
            Self::L2Dsr => "Handoff l2-dsr",
            Self::Ipip => "Handoff ipip",
            Self::IpvsDr => "IPVS direct routing",
            Self::Nftables => "nftables DNAT",
            Self::Haproxy => "HAProxy TCP",
            Self::Nginx => "nginx stream",
        }
    }

    /// Plain routing over the same link, which may be a veth pair, and the same hops.
    pub(crate) fn same_hops(self, is_veth: bool) -> Self {
        match self {
            _ if !self.returns_directly() => Self::RoutingBothWays,
            _ if is_veth && self.needs_xdp_link() => Self::RoutingXdpLink,
            _ => Self::Routing,
        }
    }

    /// Whether the balancer's link has to be ready for XDP.
    fn needs_xdp_link(self) -> bool {
        matches!(self, Self::L2Dsr | Self::Ipip | Self::RoutingXdpLink)
    }

    /// Whether back-ends answer past the balancer.
    fn returns_directly(self) -> bool {
        !matches!(self, Self::RoutingBothWays | Self::Nftables | Self::Haproxy | Self::Nginx)
    }

    /// Whether there is a balancer.
    pub(crate) fn is_balancer(self) -> bool {
        !matches!(self, Self::Direct | Self::Routing | Self::RoutingXdpLink | Self::RoutingBothWays)
    }

    /// Whether this machine has it.
    pub(crate) fn is_available(self) -> bool {
        self != Self::IpvsDr || ipvs::is_available()
    }

    /// Name and version of the program, if it is one.
    pub(crate) fn version(self) -> Result<Option<(String, String)>> {
        let (name, program, arg) = match self {
            Self::Direct | Self::Routing | Self::RoutingXdpLink | Self::RoutingBothWays => return Ok(None),
            Self::L2Dsr | Self::Ipip => ("Handoff", program(), "--version"),
            Self::IpvsDr => ("ipvsadm", ipvs::PROGRAM.into(), "--version"),
            Self::Nftables => ("nftables", nftables::PROGRAM.into(), "--version"),
            Self::Haproxy => ("HAProxy", proxy::HAPROXY.into(), "-v"),
            Self::Nginx => ("nginx", proxy::NGINX.into(), "-v"),
        };
        Ok(Some((name.to_owned(), version(Command::new(program).arg(arg))?)))
    }

    /// Sets it up, whatever was there before.
    pub(crate) fn set_up(self, place: &Place) -> Result<Box<dyn Standing + '_>> {
        let gateways = if self == Self::Direct { addresses() } else { vec![balancer()?] };
        place.send_by(&gateways)?;
        place.answer(self.returns_directly())?;
        place.ends_connections(matches!(self, Self::Haproxy | Self::Nginx))?;
        place.take_in_from_xdp(self.needs_xdp_link())?;
        match self {
            Self::Direct => Ok(Box::new(Nothing)),
            Self::Routing | Self::RoutingXdpLink | Self::RoutingBothWays => Router::start(place),
            Self::L2Dsr | Self::Ipip => handoff::start(place, self == Self::Ipip),
            Self::IpvsDr => ipvs::start(place),
            Self::Nftables => nftables::start(place),
            Self::Haproxy => proxy::start(place, proxy::Kind::HaProxy),
            Self::Nginx => proxy::start(place, proxy::Kind::Nginx),
        }
    }
}

/// No balancer.
struct Nothing;

impl Standing for Nothing {
    fn memory(&self) -> Result<Memory> {
        Ok(Memory::default())
    }

    fn take_down(self: Box<Self>) -> Result<()> {
        Ok(())
    }
}

/// The kernel's own forwarding.
struct Router<'a> {
    place: &'a Place,
}

impl<'a> Router<'a> {
    fn start(place: &'a Place) -> Result<Box<dyn Standing + 'a>> {
        place.route_to_backends()?;
        place.forward(true)?;
        Ok(Box::new(Self { place }))
    }
}

impl Standing for Router<'_> {
    fn memory(&self) -> Result<Memory> {
        Ok(Memory::default())
    }

    fn take_down(self: Box<Self>) -> Result<()> {
        self.place.forward(false)?;
        self.place.unroute()
    }
}
