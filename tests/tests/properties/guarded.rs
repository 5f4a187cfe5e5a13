//! Nothing outside the frame matters or changes, also when its ends are moved.

use crate::balancer::Balancer;
use crate::traffic::any_frame;
use lb_common::datapath::{Outcome, process};
use lb_common::frame::Frame;
use lb_common::tables::Buffer;
use lb_common::verdict::{Dropped, Verdict};
use proptest::prelude::*;
use std::ops::Range;

/// Bytes in front of the frame that are not even headroom, and behind it.
const GUARD: usize = 64;

/// Headroom, as drivers leave it.
const HEADROOM: usize = 256;

/// Longer than all headers.
const LONGEST: usize = 200;

/// A packet in the midst of memory that is none of its business.
struct Guarded {
    memory: Vec<u8>,
    /// Where the packet is.
    packet: Range<usize>,
    /// Where it may be.
    room: Range<usize>,
}

impl Guarded {
    fn new(frame: &[u8], headroom: usize, guard: u8) -> Self {
        let start = GUARD + headroom;
        let memory = [&vec![guard; start], frame, &[guard; GUARD]].concat();
        let packet = start..start + frame.len();
        Self { memory, room: GUARD..packet.end, packet }
    }

    fn bytes(&self) -> &[u8] {
        &self.memory[self.packet.clone()]
    }

    /// Whether all memory that was never the packet's is as it was.
    fn is_unharmed(&self, guard: u8) -> bool {
        self.memory[..self.room.start].iter().chain(&self.memory[self.room.end..]).all(|&byte| byte == guard)
    }
}

impl Buffer for Guarded {
    fn frame(&mut self) -> Frame<'_> {
        Frame::from_slice(&mut self.memory[self.packet.clone()])
    }

    fn grow_head(&mut self, bytes: i32) -> bool {
        let start = self.packet.start.checked_add_signed(-bytes as isize);
        let start = start.filter(|start| (self.room.start..=self.packet.end).contains(start));
        self.packet.start = start.unwrap_or(self.packet.start);
        start.is_some()
    }

    fn truncate(&mut self, len: usize) -> bool {
        let end = self.packet.start + len;
        let is_longer = end <= self.packet.end;
        self.packet.end = end.min(self.packet.end);
        is_longer
    }
}

proptest! {
    #[test]
    fn nothing_outside_the_frame_matters_or_changes(frame in any_frame(LONGEST), guard: u8) {
        let longer = [frame, vec![0; LONGEST]].concat();
        let (one, other) = (Balancer::new(), Balancer::new());
        for len in 0..=LONGEST {
            let mut guarded = Guarded::new(&longer[..len], HEADROOM, guard);
            let outcome = process(&other.dataplane, &mut guarded);
            // A boxed slice has no spare room: a checker of memory accesses would see the first byte behind it.
            let (expected, came_out) = one.run(&longer[..len]);
            prop_assert_eq!((outcome, guarded.bytes()), (expected, &came_out[..]));
            prop_assert!(guarded.is_unharmed(guard));
        }
    }

    #[test]
    fn without_headroom_what_does_not_need_it_goes_on_and_the_rest_is_dropped_as_it_came(frame in any_frame(LONGEST)) {
        let (one, other) = (Balancer::new(), Balancer::new());
        let mut guarded = Guarded::new(&frame, 0, 0);
        let outcome = process(&other.dataplane, &mut guarded);
        let (expected, came_out) = one.run(&frame);
        if matches!(outcome.verdict, Verdict::Dropped(Dropped::NoHeadroom, _)) {
            prop_assert!(came_out.len() > frame.len());
            prop_assert_eq!((outcome.to, guarded.bytes()), (None, &frame[..]));
        } else {
            prop_assert_eq!((outcome, guarded.bytes()), (expected, &came_out[..]));
        }
        let Outcome { verdict, .. } = outcome;
        prop_assert!(guarded.is_unharmed(0), "{verdict:?}");
    }
}
