//! What can happen to a packet. Every verdict has a number and a name; numbers are never used again.

/// What happened to a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Handed to a back-end.
    Forwarded(Forwarded),
    /// Left to the balancer's own network stack, untouched.
    Passed(Passed),
    /// Discarded. Only packets of a service are: its [`crate::abi::Service::id`].
    Dropped(Dropped, u32),
}

/// How the back-end of a forwarded packet was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Forwarded {
    /// The flow table remembered it.
    Remembered = 0,
    /// The scheduler picked it for a new flow, and the flow table took it.
    NewFlow = 1,
    /// The packet belongs to a TCP connection that the flow table does not know: the consistent ring names the back-end.
    UnknownFlow = 2,
    /// The flow is new, and its bucket of the flow table is full of live flows: the consistent ring names the back-end.
    TableFull = 3,
}

/// Why a packet was left to the network stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Passed {
    /// Not an IPv4 packet: ARP, IPv6, LLDP, a VLAN tag ...
    NotIpv4 = 16,
    /// The frame is for another Ethernet address, a group or everybody.
    OtherDestination = 17,
    /// No service has this address, port and protocol.
    NoService = 18,
    /// A fragment: only the first one carries ports.
    Fragment = 19,
    /// Neither TCP nor UDP.
    OtherProtocol = 20,
    /// A length in the headers contradicts another or the frame; the stack will discard it.
    Malformed = 21,
    /// The agent has not finished loading.
    NotReady = 22,
}

/// Why a packet of a service was discarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Dropped {
    /// The service has no back-end that could take it.
    NoBackend = 48,
}

/// Numbers of verdicts are below this.
pub const MAX_VERDICTS: u32 = 64;

impl Verdict {
    /// Index of this verdict's counters.
    #[inline(always)]
    pub const fn number(self) -> u32 {
        match self {
            Self::Forwarded(how) => how as u32,
            Self::Passed(why) => why as u32,
            Self::Dropped(why, _) => why as u32,
        }
    }

    /// Name of this verdict, as in every listing.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Forwarded(how) => how.name(),
            Self::Passed(why) => why.name(),
            Self::Dropped(why, _) => why.name(),
        }
    }

    /// `forwarded`, `passed` or `dropped`.
    pub const fn action(self) -> &'static str {
        match self {
            Self::Forwarded(_) => "forwarded",
            Self::Passed(_) => "passed",
            Self::Dropped(..) => "dropped",
        }
    }

    /// One of each verdict, in the order of their numbers. A dropped one names service 0.
    pub fn all() -> impl Iterator<Item = Self> {
        let forwarded = Forwarded::ALL.into_iter().map(Self::Forwarded);
        let passed = Passed::ALL.into_iter().map(Self::Passed);
        let dropped = Dropped::ALL.into_iter().map(|why| Self::Dropped(why, 0));
        forwarded.chain(passed).chain(dropped)
    }
}

impl Forwarded {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Remembered, Self::NewFlow, Self::UnknownFlow, Self::TableFull];

    /// Its name, as in every listing.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Remembered => "remembered",
            Self::NewFlow => "new-flow",
            Self::UnknownFlow => "unknown-flow",
            Self::TableFull => "table-full",
        }
    }
}

impl Passed {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::NotIpv4,
        Self::OtherDestination,
        Self::NoService,
        Self::Fragment,
        Self::OtherProtocol,
        Self::Malformed,
        Self::NotReady,
    ];

    /// Its name, as in every listing.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotIpv4 => "not-ipv4",
            Self::OtherDestination => "other-destination",
            Self::NoService => "no-service",
            Self::Fragment => "fragment",
            Self::OtherProtocol => "other-protocol",
            Self::Malformed => "malformed",
            Self::NotReady => "not-ready",
        }
    }
}

impl Dropped {
    /// All of them.
    pub const ALL: [Self; 1] = [Self::NoBackend];

    /// Its name, as in every listing.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NoBackend => "no-backend",
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
}
