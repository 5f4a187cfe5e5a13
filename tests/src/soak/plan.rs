//! What happens, and when: from a seed, so that it happens again.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::fmt;
use std::time::Duration;

/// Events of a kind, which happen one after the other. Those of other lanes happen at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// Back-ends: never two of them are out at once.
    Backends,
    /// The agent's process.
    Agent,
    /// The balancer's network.
    Network,
    /// What makes it hard to work.
    Pressure,
    /// What operators do while all goes well.
    Operators,
}

impl Lane {
    /// All lanes.
    pub const ALL: [Self; 5] = [Self::Backends, Self::Agent, Self::Network, Self::Pressure, Self::Operators];
}

/// Something that happens; a time is how long it stays so until it is undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A back-end's processes end, without a word to anybody.
    Kill(u8, Duration),
    /// A back-end's link is down.
    Cut(u8, Duration),
    /// A back-end is drained.
    Drain(u8, Duration),
    /// A back-end has another weight.
    Weigh(u8, u8, Duration),
    /// A back-end is not in the configuration.
    Remove(u8, Duration),
    /// The agent is killed (SIGKILL), and started again after that time.
    Crash(Duration),
    /// The agent is told to end, and started again after that time.
    Restart(Duration),
    /// The agent is told to end, and one of another release, with another program, takes over.
    Upgrade,
    /// The agent gets no time to run.
    Stall(Duration),
    /// The balancer's link is down.
    LinkDown(Duration),
    /// The balancer's link has another MTU.
    Mtu(u16, Duration),
    /// The balancer's kernel forgets all its neighbours.
    ForgetNeighbours,
    /// A back-end gets another Ethernet address, this being its last byte.
    NewAddress(u8, u8),
    /// So many first segments of connections that nobody means to have.
    Flood(u32),
    /// The agent may not have more memory than it has.
    Squeeze(Duration),
    /// The agent's wall clock is off by so many seconds.
    ClockJump(i64, Duration),
    /// The ticket keys are rotated.
    Rotate,
    /// So many packets are captured.
    Capture(u32),
    /// New flows are spread otherwise.
    Schedule(&'static str),
    /// Another configuration is applied and taken back.
    RollBack,
}

/// Schedulers that take turns: those that heed weights, since weights change at any time.
const SCHEDULERS: [&str; 4] = ["weighted-round-robin", "weighted-least-connections", "source-hash", "maglev"];
/// By how much clocks are off, in seconds.
const JUMPS: [i64; 6] = [-3_600, -90, 90, 3_600, 86_400, 7 * 86_400];
/// MTUs besides 1,500: veth devices with an XDP program take no more than 3,500.
const MTUS: [u16; 3] = [1_600, 2_000, 3_000];

/// The events of a lane, without end: each with how long nothing happens before it.
#[derive(Debug)]
pub struct Plan {
    lane: Lane,
    servers: u8,
    random: StdRng,
}

impl Plan {
    /// That of a lane, for so many back-ends.
    pub fn new(lane: Lane, servers: u8, seed: u64) -> Self {
        // Lanes must not be alike.
        Self { lane, servers, random: StdRng::seed_from_u64(seed.wrapping_mul(31).wrapping_add(lane as u64)) }
    }

    fn time(&mut self, from_ms: u64, to_ms: u64) -> Duration {
        Duration::from_millis(self.random.random_range(from_ms..=to_ms))
    }

    fn server(&mut self) -> u8 {
        self.random.random_range(1..=self.servers)
    }

    fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.random.random_range(0..all.len())]
    }

    fn event(&mut self) -> Event {
        match self.lane {
            Lane::Backends => match self.random.random_range(0..5) {
                0 => Event::Kill(self.server(), self.time(1_000, 4_000)),
                1 => Event::Cut(self.server(), self.time(1_000, 4_000)),
                2 => Event::Drain(self.server(), self.time(1_000, 4_000)),
                3 => Event::Weigh(self.server(), self.one_of(&[2, 5, 10]), self.time(1_000, 4_000)),
                _ => Event::Remove(self.server(), self.time(1_000, 4_000)),
            },
            Lane::Agent => match self.random.random_range(0..4) {
                0 => Event::Crash(self.time(100, 2_000)),
                1 => Event::Restart(self.time(0, 1_000)),
                2 => Event::Upgrade,
                _ => Event::Stall(self.time(500, 4_000)),
            },
            Lane::Network => match self.random.random_range(0..4) {
                0 => Event::LinkDown(self.time(100, 1_200)),
                1 => Event::Mtu(self.one_of(&MTUS), self.time(500, 3_000)),
                2 => Event::ForgetNeighbours,
                _ => Event::NewAddress(self.server(), self.random.random()),
            },
            Lane::Pressure => match self.random.random_range(0..3) {
                0 => Event::Flood(self.random.random_range(20_000..=100_000)),
                1 => Event::Squeeze(self.time(1_000, 5_000)),
                _ => Event::ClockJump(self.one_of(&JUMPS), self.time(2_000, 6_000)),
            },
            Lane::Operators => match self.random.random_range(0..4) {
                0 => Event::Rotate,
                1 => Event::Capture(self.random.random_range(50..=500)),
                2 => Event::Schedule(self.one_of(&SCHEDULERS)),
                _ => Event::RollBack,
            },
        }
    }
}

impl Iterator for Plan {
    type Item = (Duration, Event);

    fn next(&mut self) -> Option<Self::Item> {
        // An agent that is never left alone would not be known to stay as small as it is.
        let pause = if self.lane == Lane::Agent { self.time(8_000, 30_000) } else { self.time(500, 6_000) };
        Some((pause, self.event()))
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kill(server, time) => write!(f, "server-{server} is killed for {time:?}"),
            Self::Cut(server, time) => write!(f, "server-{server} has no link for {time:?}"),
            Self::Drain(server, time) => write!(f, "server-{server} is drained for {time:?}"),
            Self::Weigh(server, weight, time) => write!(f, "server-{server} has weight {weight} for {time:?}"),
            Self::Remove(server, time) => write!(f, "server-{server} is not configured for {time:?}"),
            Self::Crash(time) => write!(f, "the agent is killed and gone for {time:?}"),
            Self::Restart(time) => write!(f, "the agent is stopped and gone for {time:?}"),
            Self::Upgrade => f.write_str("the agent is replaced by another release"),
            Self::Stall(time) => write!(f, "the agent does not run for {time:?}"),
            Self::LinkDown(time) => write!(f, "the balancer has no link for {time:?}"),
            Self::Mtu(mtu, time) => write!(f, "the balancer's MTU is {mtu} for {time:?}"),
            Self::ForgetNeighbours => f.write_str("the balancer forgets its neighbours"),
            Self::NewAddress(server, last) => write!(f, "server-{server} has the Ethernet address ...:{last:02x}"),
            Self::Flood(packets) => write!(f, "{packets} SYNs of a flood"),
            Self::Squeeze(time) => write!(f, "the agent gets no more memory for {time:?}"),
            Self::ClockJump(seconds, time) => write!(f, "the agent's clock is off by {seconds} s for {time:?}"),
            Self::Rotate => f.write_str("the ticket keys are rotated"),
            Self::Capture(packets) => write!(f, "{packets} packets are captured"),
            Self::Schedule(scheduler) => write!(f, "the scheduler is {scheduler}"),
            Self::RollBack => f.write_str("a configuration is applied and taken back"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_seed_is_a_sequence() {
        for lane in Lane::ALL {
            let first: Vec<_> = Plan::new(lane, 3, 7).take(50).collect();
            assert_eq!(first, Plan::new(lane, 3, 7).take(50).collect::<Vec<_>>());
            assert_ne!(first, Plan::new(lane, 3, 8).take(50).collect::<Vec<_>>());
        }
    }

    #[test]
    fn everything_happens_sooner_or_later() {
        let all = Lane::ALL.into_iter().flat_map(|lane| Plan::new(lane, 3, 1).take(100));
        let kinds: BTreeSet<_> =
            all.map(|(_, event)| format!("{event:?}").split('(').next().map(str::to_owned)).collect();
        assert_eq!(kinds.len(), 20, "{kinds:?}");
    }
}
