use super::Ticks;
use crate::flow_table::{FlowState, Lifetimes, Phase};

/// How many sets of timeouts there may be.
pub const TIMEOUT_CLASSES: usize = 32;

/// Which set of timeouts a flow has: [`TimeoutClass::DEFAULT`], or one of those that services have of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(transparent)]
pub struct TimeoutClass(pub u8);

impl TimeoutClass {
    /// That of services which say nothing about it.
    pub const DEFAULT: Self = Self(0);
}

/// How long a flow without packets keeps its place in the flow table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Timeouts {
    /// After so much silence a flow counts as over, by class and phase.
    expired: [[Ticks; Phase::COUNT]; TIMEOUT_CLASSES],
    /// After so much silence a flow may give way to a new one when nothing else can, by phase.
    idle: [Ticks; Phase::COUNT],
}

/// There is no such silence.
const NEVER: Ticks = Ticks::MAX;

impl Timeouts {
    /// The values that the configuration starts from, near enough to seconds.
    pub const DEFAULT: Self = Self::new(60, 3_600, 3, 60, 300);

    /// As in a new map: nothing is ever remembered.
    pub const ZERO: Self = Self { expired: [[0; Phase::COUNT]; TIMEOUT_CLASSES], idle: [0; Phase::COUNT] };

    /// Timeouts of flows that are half open, established over TCP, closing, and established over UDP; and how long
    /// a TCP connection is silent before it counts as idle.
    pub const fn new(half_open: Ticks, tcp: Ticks, closing: Ticks, udp: Ticks, idle: Ticks) -> Self {
        let mut by_phase = [NEVER; Phase::COUNT];
        by_phase[Phase::EMPTY.index()] = 0;
        by_phase[Phase::HALF_OPEN.index()] = half_open;
        by_phase[Phase::ESTABLISHED.index()] = tcp;
        by_phase[Phase::CLOSING.index()] = closing;
        by_phase[Phase::DATAGRAMS.index()] = udp;
        by_phase[Phase::FIRST_DATAGRAM.index()] = udp;
        let mut timeouts = Self { expired: [by_phase; TIMEOUT_CLASSES], idle: [NEVER; Phase::COUNT] };
        timeouts.idle[Phase::ESTABLISHED.index()] = idle;
        timeouts
    }

    /// Gives flows of `class` a timeout of their own. A half-open one has it too, if it is shorter than the usual.
    pub fn set_class(&mut self, class: TimeoutClass, idle: Ticks) {
        let by_phase = &mut self.expired[usize::from(class.0) % TIMEOUT_CLASSES];
        let half_open = &mut by_phase[Phase::HALF_OPEN.index()];
        *half_open = idle.min(*half_open);
        by_phase[Phase::ESTABLISHED.index()] = idle;
        by_phase[Phase::DATAGRAMS.index()] = idle;
        by_phase[Phase::FIRST_DATAGRAM.index()] = idle;
    }
}

impl Lifetimes for Timeouts {
    #[inline(always)]
    fn expired(&self, state: FlowState) -> Ticks {
        // The masks are for the verifier, which does not know what is in a record.
        self.expired[state.class().0 as usize & (TIMEOUT_CLASSES - 1)][state.phase().index()]
    }

    #[inline(always)]
    fn idle(&self, state: FlowState) -> Ticks {
        self.idle[state.phase().index()]
    }
}
