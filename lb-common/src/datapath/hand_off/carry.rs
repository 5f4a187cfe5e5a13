use super::Plan;
use super::outer::{self, Inner};
use crate::abi::Tags;
use crate::datapath::parse::Family;
use crate::frame::Frame;
use crate::tables::Buffer;
use crate::wire::{Be16, Ethernet, Vlan, ether_type};

/// What came of [`carry`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub struct Carried(pub u32);

impl Carried {
    /// The frame is ready to leave.
    pub const DONE: Self = Self(0);
    /// It would be too big for the way out.
    pub const TOO_BIG: Self = Self(1);
    /// There is no room in front of the packet.
    pub const NO_HEADROOM: Self = Self(2);
    /// The frame ends before its headers do.
    pub const BAD_LENGTH: Self = Self(3);
}

/// Makes the frame anew around the client's packet: Ethernet addresses, VLAN tags, and a tunnel's headers.
#[inline(always)]
pub fn carry<B: Buffer>(buffer: &mut B, plan: &Plan<'_>) -> Carried {
    let Some((inner, tags)) = read(&buffer.frame(), plan) else { return Carried::BAD_LENGTH };
    if inner.len > usize::from(plan.backend.max_len) {
        return Carried::TOO_BIG;
    }
    let start = tags.len() + plan.backend.forwarding.overhead();
    let growth = start as i32 - i32::from(plan.network);
    if growth != 0 && !buffer.grow_head(growth) {
        return Carried::NO_HEADROOM;
    }
    match write(&mut buffer.frame(), plan, &inner, &tags) {
        Some(()) => Carried::DONE,
        None => Carried::BAD_LENGTH,
    }
}

#[inline(always)]
fn read(frame: &Frame<'_>, plan: &Plan<'_>) -> Option<(Inner, Stack)> {
    Some((Inner::read(frame, plan.network.into())?, Stack::of(frame, plan)?))
}

#[inline(always)]
fn write(frame: &mut Frame<'_>, plan: &Plan<'_>, inner: &Inner, tags: &Stack) -> Option<()> {
    let ether_type = match outer::encapsulate(frame, tags.len(), plan.backend, plan.hash, inner)? {
        Family::V4 => ether_type::IPV4,
        Family::V6 => ether_type::IPV6,
    };
    tags.write(frame, ether_type)?;
    let ethernet = frame.header_mut::<Ethernet>(0)?;
    ethernet.readdress(&plan.backend.mac, &plan.backend.source_mac);
    Some(())
}

/// The VLAN tags that a frame leaves with.
struct Stack {
    count: u16,
    /// Priority, drop eligible bit and identifier, the outer tag first.
    controls: [Be16; 2],
    /// What kinds of tags they are.
    kinds: [Be16; 2],
}

impl Stack {
    const FIRST: usize = size_of::<Ethernet>();
    const SECOND: usize = Self::FIRST + size_of::<Vlan>();

    /// Those that the frame came with, or those of the way out with the priority that the frame came with.
    #[inline(always)]
    fn of(frame: &Frame<'_>, plan: &Plan<'_>) -> Option<Self> {
        let came_with = Self::read(frame, plan.network.into())?;
        if plan.backend.tags.is_keep() {
            return Some(came_with);
        }
        let Tags { count, ids: [first, second], kinds } = plan.backend.tags;
        let [outer, inner] = came_with.controls;
        Some(Self { count, controls: [with_id(outer, first), with_id(inner, second)], kinds })
    }

    /// Those in front of an IP header at offset `network`. A missing one has the outer one's priority, or none.
    #[inline(always)]
    fn read(frame: &Frame<'_>, network: usize) -> Option<Self> {
        let outer_kind = frame.header::<Ethernet>(0)?.ether_type;
        if network == Self::FIRST {
            return Some(Self { count: 0, controls: [Be16::new(0); 2], kinds: [outer_kind; 2] });
        }
        let outer = *frame.header::<Vlan>(Self::FIRST)?;
        if network == Self::SECOND {
            return Some(Self { count: 1, controls: [outer.control; 2], kinds: [outer_kind; 2] });
        }
        let inner = *frame.header::<Vlan>(Self::SECOND)?;
        Some(Self { count: 2, controls: [outer.control, inner.control], kinds: [outer_kind, outer.ether_type] })
    }

    /// Bytes of the Ethernet header with the tags, of which there are two at most. Older verifiers follow a mask better than a minimum.
    #[inline(always)]
    fn len(&self) -> usize {
        Self::FIRST + usize::from(self.count & 3) * size_of::<Vlan>()
    }

    /// Writes the tags and the types in front of and behind them.
    #[inline(always)]
    fn write(&self, frame: &mut Frame<'_>, payload: Be16) -> Option<()> {
        let ([outer, inner], [outer_kind, inner_kind]) = (self.controls, self.kinds);
        let ether_type = match self.count {
            0 => payload,
            1 => {
                *frame.header_mut(Self::FIRST)? = Vlan { control: outer, ether_type: payload };
                outer_kind
            }
            _ => {
                *frame.header_mut(Self::FIRST)? = Vlan { control: outer, ether_type: inner_kind };
                *frame.header_mut(Self::SECOND)? = Vlan { control: inner, ether_type: payload };
                outer_kind
            }
        };
        frame.header_mut::<Ethernet>(0)?.ether_type = ether_type;
        Some(())
    }
}

/// The same priority with another identifier.
#[inline(always)]
fn with_id(control: Be16, id: u16) -> Be16 {
    Be16::new(control.get() & 0xf000 | id & 0x0fff)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::{Backend, Forwarding};
    use crate::verdict::Forwarded;

    /// A packet with no room in front of it.
    struct Cramped([u16; 30]);

    impl Buffer for Cramped {
        fn frame(&mut self) -> Frame<'_> {
            let range = self.0.as_mut_ptr_range();
            // SAFETY: the array's own bytes, which it lends out as long as the frame lives.
            unsafe { Frame::from_raw(range.start.cast(), range.end.cast()) }
        }

        fn grow_head(&mut self, _: i32) -> bool {
            false
        }

        fn truncate(&mut self, _: usize) -> bool {
            false
        }
    }

    #[test]
    fn a_packet_without_room_for_the_tunnel_is_not_touched() {
        let mut packet = Cramped([0; 30]);
        (packet.0[6], packet.0[7], packet.0[8]) = (0x0800_u16.to_be(), 0x4500_u16.to_be(), 46_u16.to_be());
        let before = packet.0;
        let backend = Backend { forwarding: Forwarding::IPIP_V4, max_len: 1_480, ..Backend::FREE };
        let plan = Plan { slot: 0, backend: &backend, how: Forwarded::NewFlow, network: 14, hash: 0 };
        assert_eq!(carry(&mut packet, &plan), Carried::NO_HEADROOM);
        assert_eq!(packet.0, before);
        let small = Backend { max_len: 45, ..backend };
        assert_eq!(carry(&mut packet, &Plan { backend: &small, ..plan }), Carried::TOO_BIG);
    }
}
