//! What can happen to a packet at a back-end. As [`crate::verdict`]: every verdict has a number and a name; numbers are never used again.

/// What happened to a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Taken out of its tunnel and given to the network stack.
    Decapsulated(Tunnel),
    /// Left to the network stack, untouched.
    Passed(Passed),
    /// Discarded. Only packets of a tunnel that ends here are.
    Dropped(Dropped),
}

/// The tunnel of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tunnel {
    /// What is between the two IP headers.
    pub kind: Kind,
    /// Family of the outer header.
    pub outer: Family,
    /// Family of the packet inside.
    pub inner: Family,
}

/// What is between the two IP headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// Nothing (`ipip`).
    Ipip = 0,
    /// A UDP header and one of generic UDP encapsulation (`gue`, variant 0).
    Gue = 1,
    /// A UDP header alone (`gue`, variant 1).
    GueDirect = 2,
}

/// IP version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Family {
    /// IPv4.
    V4 = 0,
    /// IPv6.
    V6 = 1,
}

/// Why a packet was left to the network stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Passed {
    /// Neither IPv4 nor IPv6: ARP, LLDP, a third VLAN tag ...
    NotIp = 16,
    /// Neither IP in IP nor generic UDP encapsulation: the host's other traffic. Outer IPv6 headers with extensions, too.
    NotATunnel = 17,
    /// The tunnel ends at another host, or at a VIP: where no tunnel of ours ends.
    OtherDestination = 18,
    /// The outer IP header contradicts itself or the frame; the stack will discard it.
    Malformed = 19,
    /// The program has not been told of its settings.
    NotReady = 20,
}

/// Why a packet of a tunnel was discarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Dropped {
    /// No tunnel may begin at its outer source address.
    UnknownSource = 48,
    /// A piece of an outer packet: the balancer's network has a smaller MTU than the balancer believes.
    OuterFragment = 49,
    /// A GUE header with unknown flags, variant or protocol, or a UDP length that contradicts the packet's.
    BadGue = 50,
    /// A GUE control message: there is none that a balancer sends.
    GueControl = 51,
    /// The packet inside contradicts itself, or does not fit into the outer one.
    MalformedInner = 52,
    /// The packet inside is not for a VIP.
    UnknownVip = 53,
    /// Congestion was experienced in the tunnel, and the sender of the packet inside does not heed notifications: only the loss tells it
    /// (RFC 6040, 4.2).
    Ecn = 54,
}

/// Numbers of verdicts are below this.
pub const MAX_VERDICTS: u32 = 64;

impl Verdict {
    /// Index of this verdict's counters.
    #[inline(always)]
    pub const fn number(self) -> u32 {
        match self {
            Self::Decapsulated(tunnel) => tunnel.number(),
            Self::Passed(why) => why as u32,
            Self::Dropped(why) => why as u32,
        }
    }

    /// Name of this verdict, as in every listing.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Decapsulated(tunnel) => tunnel.name(),
            Self::Passed(why) => why.name(),
            Self::Dropped(why) => why.name(),
        }
    }

    /// `decapsulated`, `passed` or `dropped`.
    pub const fn action(self) -> &'static str {
        match self {
            Self::Decapsulated(_) => "decapsulated",
            Self::Passed(_) => "passed",
            Self::Dropped(_) => "dropped",
        }
    }

    /// Each verdict once, in the order of their numbers.
    pub fn all() -> impl Iterator<Item = Self> {
        let passed = Passed::ALL.into_iter().map(Self::Passed);
        let dropped = Dropped::ALL.into_iter().map(Self::Dropped);
        Tunnel::all().map(Self::Decapsulated).chain(passed).chain(dropped)
    }
}

impl Tunnel {
    /// Each tunnel once, in the order of their numbers.
    pub fn all() -> impl Iterator<Item = Self> {
        let families = [Family::V4, Family::V6];
        [Kind::Ipip, Kind::Gue, Kind::GueDirect].into_iter().flat_map(move |kind| {
            families
                .into_iter()
                .flat_map(move |outer| families.into_iter().map(move |inner| Self { kind, outer, inner }))
        })
    }

    /// Its name: the family inside, in the outer one.
    pub const fn name(self) -> &'static str {
        const NAMES: [&str; 12] = [
            "ipip-4in4",
            "ipip-6in4",
            "ipip-4in6",
            "ipip-6in6",
            "gue-4in4",
            "gue-6in4",
            "gue-4in6",
            "gue-6in6",
            "gue-direct-4in4",
            "gue-direct-6in4",
            "gue-direct-4in6",
            "gue-direct-6in6",
        ];
        NAMES[self.number() as usize]
    }

    #[inline(always)]
    const fn number(self) -> u32 {
        self.kind as u32 * 4 + self.outer as u32 * 2 + self.inner as u32
    }
}

impl Passed {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::NotIp, Self::NotATunnel, Self::OtherDestination, Self::Malformed, Self::NotReady];

    /// Its name, as in every listing.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotIp => "not-ip",
            Self::NotATunnel => "not-a-tunnel",
            Self::OtherDestination => "other-destination",
            Self::Malformed => "malformed",
            Self::NotReady => "not-ready",
        }
    }
}

impl Dropped {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::UnknownSource,
        Self::OuterFragment,
        Self::BadGue,
        Self::GueControl,
        Self::MalformedInner,
        Self::UnknownVip,
        Self::Ecn,
    ];

    /// Its name, as in every listing.
    pub const fn name(self) -> &'static str {
        match self {
            Self::UnknownSource => "unknown-source",
            Self::OuterFragment => "outer-fragment",
            Self::BadGue => "bad-gue",
            Self::GueControl => "gue-control",
            Self::MalformedInner => "malformed-inner",
            Self::UnknownVip => "unknown-vip",
            Self::Ecn => "ecn",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{collections::BTreeSet, vec::Vec};

    #[test]
    fn numbers_and_names_are_unique_and_in_range() {
        let numbers: Vec<u32> = Verdict::all().map(Verdict::number).collect();
        assert!(numbers.is_sorted() && numbers.iter().all(|&number| number < MAX_VERDICTS));
        assert_eq!(numbers.iter().collect::<BTreeSet<_>>().len(), numbers.len());
        let names: BTreeSet<_> = Verdict::all().map(Verdict::name).collect();
        assert_eq!(names.len(), numbers.len());
    }

    #[test]
    fn a_tunnel_is_named_after_what_is_in_what() {
        let name = |kind, outer, inner| Tunnel { kind, outer, inner }.name();
        assert_eq!(name(Kind::Ipip, Family::V4, Family::V6), "ipip-6in4");
        assert_eq!(name(Kind::Gue, Family::V6, Family::V4), "gue-4in6");
        assert_eq!(name(Kind::GueDirect, Family::V6, Family::V6), "gue-direct-6in6");
    }
}
