use super::Family;
use crate::frame::Frame;
use crate::verdict::{Passed, Verdict};
use crate::wire::{Be16, Ethernet, Mac, Vlan, ether_type};

/// The Ethernet header of a frame and its VLAN tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::datapath) struct Link {
    /// Whom the frame is for.
    pub(in crate::datapath) destination: Mac,
    /// What the IP version is.
    pub(in crate::datapath) family: Family,
    /// Where the IP header is: behind 0 to 2 tags.
    pub(in crate::datapath) network: usize,
}

impl Link {
    /// Reads the link's headers.
    ///
    /// # Errors
    /// The verdict on a frame that holds no IP packet.
    #[inline(always)]
    pub(in crate::datapath) fn parse(frame: &Frame<'_>) -> Result<Self, Verdict> {
        const FIRST: usize = size_of::<Ethernet>();
        const SECOND: usize = FIRST + size_of::<Vlan>();
        const THIRD: usize = SECOND + size_of::<Vlan>();
        let malformed = Verdict::Passed(Passed::Malformed);
        let ethernet = frame.header::<Ethernet>(0).ok_or(malformed)?;
        let (mut network, mut kind) = (FIRST, ethernet.ether_type);
        if is_tag(kind) {
            (network, kind) = (SECOND, frame.header::<Vlan>(FIRST).ok_or(malformed)?.ether_type);
            if is_tag(kind) {
                (network, kind) = (THIRD, frame.header::<Vlan>(SECOND).ok_or(malformed)?.ether_type);
                if is_tag(kind) {
                    return Err(Verdict::Passed(Passed::ManyTags));
                }
            }
        }
        let family = match kind {
            ether_type::IPV4 => Family::V4,
            ether_type::IPV6 => Family::V6,
            _ => return Err(Verdict::Passed(Passed::NotIp)),
        };
        Ok(Self { destination: ethernet.destination, family, network })
    }
}

/// Whether a VLAN tag follows.
#[inline(always)]
pub(in crate::datapath) fn is_tag(kind: Be16) -> bool {
    kind == ether_type::VLAN || kind == ether_type::SERVICE_VLAN
}
