//! What can happen to a packet. Every verdict has a number and a name; numbers are never used again.

/// What happened to a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Handed to a back-end.
    Forwarded(Forwarded),
    /// Answered in place of the back-ends.
    Answered(Answered, Subject),
    /// Left to the balancer's own network stack, untouched.
    Passed(Passed),
    /// Discarded. Only packets for a VIP are.
    Dropped(Dropped, Subject),
}

/// Whom a packet was for: its service's [`crate::abi::Service::id`], if it got so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subject(pub u32);

impl Subject {
    /// Some VIP, whatever the service.
    pub const VIP: Self = Self(u32::MAX);
}

/// Declares an enumeration of reasons: variants with numbers and the names that they have in every listing.
macro_rules! reasons {
    ($(#[$about:meta])* $name:ident { $($(#[$meaning:meta])* $reason:ident = $number:literal, $text:literal;)+ }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub enum $name {
            $($(#[$meaning])* $reason = $number,)+
        }

        impl $name {
            /// All of them, in the order of their numbers.
            pub const ALL: &[Self] = &[$(Self::$reason),+];

            /// Its name, as in every listing.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$reason => $text,)+
                }
            }
        }
    };
}

reasons! {
    /// How the back-end of a forwarded packet was found.
    Forwarded {
        /// The flow table remembered it.
        Remembered = 0, "remembered";
        /// The scheduler picked it for a new flow, and the flow table took it.
        NewFlow = 1, "new-flow";
        /// The packet belongs to a connection that the flow table does not know: the consistent ring names the back-end.
        UnknownFlow = 2, "unknown-flow";
        /// The flow is new, and its bucket of the flow table is full of live flows, or another CPU was quicker: the consistent ring names the
        /// back-end.
        TableFull = 3, "table-full";
        /// The flow is new, and its client goes where it was before.
        Affinity = 4, "affinity";
        /// There are too many new flows to remember half-open ones: the consistent ring names the back-end.
        Flood = 5, "flood";
        /// Every datagram of the service is scheduled by itself.
        OnePacket = 6, "one-packet";
        /// The server in the QUIC connection ID.
        QuicId = 7, "quic-id";
        /// A later fragment of a packet goes where the first one went.
        Fragment = 8, "fragment";
        /// A fragment came before the first one of its packet, and goes where the last packet in pieces between these hosts went.
        EarlyFragment = 9, "early-fragment";
        /// An ICMP error about a packet of the back-end.
        IcmpError = 10, "icmp-error";
    }
}

reasons! {
    /// What a packet was answered with.
    Answered {
        /// An echo request to a VIP: the reply.
        Echo = 24, "echo";
        /// A packet does not fit through the tunnel: the message that says how large it may be.
        TooBig = 25, "too-big";
    }
}

reasons! {
    /// Why a packet was left to the network stack.
    Passed {
        /// Neither IPv4 nor IPv6: ARP, LLDP ...
        NotIp = 32, "not-ip";
        /// The frame is for another Ethernet address, a group or everybody.
        OtherDestination = 33, "other-destination";
        /// No service has this address, port and protocol.
        NoService = 34, "no-service";
        /// For a VIP, in a protocol that services do not have.
        OtherProtocol = 35, "other-protocol";
        /// For no VIP, and a length in the headers contradicts another or the frame; the stack will discard it.
        Malformed = 36, "malformed";
        /// The agent has not finished loading.
        NotReady = 37, "not-ready";
        /// More than two VLAN tags.
        ManyTags = 38, "many-tags";
        /// An ICMP message for a VIP that is neither an error nor an echo request.
        IcmpOther = 39, "icmp-other";
        /// An echo request for a VIP, which the configuration says not to answer.
        EchoOff = 40, "echo-off";
        /// No back-end of its service passes its health check, and the configuration says to pass new flows then.
        AllDown = 41, "all-down";
    }
}

reasons! {
    /// Why a packet for a VIP was discarded.
    Dropped {
        /// The service has no back-end that could take it.
        NoBackend = 64, "no-backend";
        /// A fragment whose packet's first one was not seen.
        UnknownFragment = 65, "unknown-fragment";
        /// The access list denies the source.
        Denied = 66, "denied";
        /// The access list allows other sources only.
        NotAllowed = 67, "not-allowed";
        /// The source opens too many new flows.
        SourceRate = 68, "source-rate";
        /// The service has too many new flows.
        ServiceRate = 69, "service-rate";
        /// The IP header's version or length cannot be.
        BadIpHeader = 70, "bad-ip-header";
        /// The IP packet ends before its headers do, or the frame before the packet.
        BadLength = 71, "bad-length";
        /// The TCP header's length cannot be.
        BadTcpHeader = 72, "bad-tcp-header";
        /// The UDP header's length contradicts the packet's.
        BadUdpLength = 73, "bad-udp-length";
        /// TCP flags that contradict each other: SYN with FIN or RST, FIN with RST, or none at all.
        BadFlags = 74, "bad-flags";
        /// Source and destination are the same (a land attack).
        Land = 75, "land";
        /// Port 0.
        ZeroPort = 76, "zero-port";
        /// The source is no host: a group, everybody, the unspecified or a loopback address.
        BadSource = 77, "bad-source";
        /// IPv6 extension headers that end nowhere, or too many.
        BadExtensionHeaders = 78, "bad-extension-headers";
        /// An ICMP error about nothing that could be read.
        BadIcmp = 79, "bad-icmp";
        /// An ICMP error about a packet that no service has sent.
        UnknownIcmp = 80, "unknown-icmp";
        /// More echo requests than are answered.
        EchoRate = 81, "echo-rate";
        /// It does not fit through the tunnel, and may not be answered or is beyond the rate of answers.
        TooBig = 82, "too-big";
        /// There is no room in front of the packet for the tunnel's header.
        NoHeadroom = 83, "no-headroom";
        /// The first fragment is too short to hold the transport header, or a later one would overwrite it (RFC 1858).
        TinyFragment = 84, "tiny-fragment";
    }
}

/// Numbers of verdicts are below this.
pub const MAX_VERDICTS: u32 = 96;

impl Verdict {
    /// Index of this verdict's counters.
    #[inline(always)]
    pub const fn number(self) -> u32 {
        match self {
            Self::Forwarded(how) => how as u32,
            Self::Answered(with, _) => with as u32,
            Self::Passed(why) => why as u32,
            Self::Dropped(why, _) => why as u32,
        }
    }

    /// Name of this verdict, as in every listing.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Forwarded(how) => how.name(),
            Self::Answered(with, _) => with.name(),
            Self::Passed(why) => why.name(),
            Self::Dropped(why, _) => why.name(),
        }
    }

    /// `forwarded`, `answered`, `passed` or `dropped`.
    pub const fn action(self) -> &'static str {
        match self {
            Self::Forwarded(_) => "forwarded",
            Self::Answered(..) => "answered",
            Self::Passed(_) => "passed",
            Self::Dropped(..) => "dropped",
        }
    }

    /// One of each verdict, in the order of their numbers, about no service in particular.
    pub fn all() -> impl Iterator<Item = Self> {
        let forwarded = Forwarded::ALL.iter().copied().map(Self::Forwarded);
        let answered = Answered::ALL.iter().map(|&with| Self::Answered(with, Subject::VIP));
        let passed = Passed::ALL.iter().copied().map(Self::Passed);
        let dropped = Dropped::ALL.iter().map(|&why| Self::Dropped(why, Subject::VIP));
        forwarded.chain(answered).chain(passed).chain(dropped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{collections::BTreeSet, vec::Vec};

    #[test]
    fn numbers_are_unique_and_in_range_and_names_are_unique_for_an_action() {
        let numbers: Vec<u32> = Verdict::all().map(Verdict::number).collect();
        assert!(numbers.is_sorted() && numbers.iter().all(|&number| number < MAX_VERDICTS));
        assert_eq!(numbers.iter().collect::<BTreeSet<_>>().len(), numbers.len());
        let names: BTreeSet<_> = Verdict::all().map(|verdict| (verdict.action(), verdict.name())).collect();
        assert_eq!(names.len(), numbers.len());
    }
}
