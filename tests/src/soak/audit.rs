//! Audits: whether the program has decided on every packet that came in, exactly once, and whether the agent stays as small as it is.

use anyhow::{Context, Result, bail, ensure};
use lb_user::control::Client;
use lb_user::control::types::VerdictCounter;
use lb_user::lab::Namespace;
use procfs::process::Process;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fs;
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use crate::scene::wait;

/// Packets at a moment at which none came in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Packets {
    /// Packets that the interface has received.
    pub received: u64,
    /// Those of them that it has received without its program: while the link comes up, a veth device is there before its queues are.
    pub past_program: u64,
    /// Those that the program has decided on, by action and reason.
    pub decided: BTreeMap<String, u64>,
}

impl Packets {
    /// Those of now. Asks until nothing has come in while it asked: answers to health checks come in at any time.
    ///
    /// # Errors
    /// When the agent does not answer, or packets come without a break.
    pub fn now(balancer: &Namespace, agent: &Client) -> Result<Self> {
        const ATTEMPTS: u32 = 400;
        for _ in 0..ATTEMPTS {
            let before = received(balancer)?;
            let past_program = before - seen_by_program(balancer)?;
            let counters = wait(agent.counters())??;
            let received = received(balancer)?;
            if before == received {
                let name = |counter: &VerdictCounter| format!("{} {}", counter.action, counter.reason);
                let decided = counters.iter().filter(|counter| counter.packets > 0);
                return Ok(Self {
                    received,
                    past_program,
                    decided: decided.map(|counter| (name(counter), counter.packets)).collect(),
                });
            }
            sleep(Duration::from_millis(3));
        }
        bail!("packets come in without a break");
    }

    /// Those since `before`.
    pub fn since(&self, before: &Self) -> Self {
        let earlier = |name: &str| before.decided.get(name).copied().unwrap_or(0);
        let decided = self.decided.iter().map(|(name, count)| (name.clone(), count - earlier(name)));
        Self {
            received: self.received - before.received,
            past_program: self.past_program - before.past_program,
            decided: decided.filter(|(_, count)| *count > 0).collect(),
        }
    }

    /// How many more packets came to the program than it has decided on.
    pub fn unaccounted(&self) -> i64 {
        self.received as i64 - self.past_program as i64 - self.decided.values().sum::<u64>() as i64
    }
}

/// Packets that the balancer's interface has received.
fn received(balancer: &Namespace) -> Result<u64> {
    let table = balancer.run(|| fs::read_to_string("/proc/thread-self/net/dev"))??;
    let line = table.lines().find_map(|line| line.trim().strip_prefix("eth0:"));
    let packets = line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok());
    packets.context("/proc/net/dev does not tell of eth0")
}

/// Packets that the driver of the balancer's interface has taken to the program, of all queues.
fn seen_by_program(balancer: &Namespace) -> Result<u64> {
    let output = balancer.run(|| Command::new("ethtool").args(["--statistics", "eth0"]).output())?;
    let text = String::from_utf8(output.context("cannot run ethtool: `cargo xtask setup` gets it")?.stdout)?;
    let queues = text.lines().filter_map(|line| line.trim().split_once("_xdp_packets: "));
    let packets: Vec<u64> = queues.map(|(_, packets)| packets.parse()).collect::<Result<_, _>>()?;
    ensure!(!packets.is_empty(), "ethtool does not tell of queues of eth0: {text}");
    Ok(packets.iter().sum())
}

/// How large an agent is.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Size {
    /// Since the start of the soak.
    pub at: Duration,
    /// Resident memory, in KiB.
    pub resident: u64,
    /// Open files.
    pub files: usize,
}

impl Size {
    /// That of a process; `None` when there is none.
    pub fn of(process: u32, at: Duration) -> Option<Self> {
        let process = Process::new(process.try_into().ok()?).ok()?;
        let (resident, files) = (process.status().ok()?.vmrss?, process.fd_count().ok()?);
        Some(Self { at, resident, files })
    }
}

/// The middle one of what `figure` says of the first and of the last fifth of the sizes; `None` when there are too few.
pub(super) fn first_and_last(sizes: &[Size], figure: impl Fn(&Size) -> u64) -> Option<(u64, u64)> {
    let fifth = sizes.len() / 5;
    let middle = |sizes: &[Size]| {
        let mut figures: Vec<_> = sizes.iter().map(&figure).collect();
        figures.sort_unstable();
        figures.get(figures.len() / 2).copied()
    };
    Some((middle(&sizes[..fifth])?, middle(&sizes[sizes.len() - fifth..])?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packets(received: u64, decided: &[(&str, u64)]) -> Packets {
        Packets {
            received,
            past_program: 0,
            decided: decided.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect(),
        }
    }

    #[test]
    fn what_was_not_decided_on_is_unaccounted() {
        let before = packets(10, &[("passed not-ip", 4), ("dropped land", 6)]);
        let now = packets(20, &[("passed not-ip", 9), ("dropped land", 6), ("forwarded new-flow", 5)]);
        assert_eq!(now.since(&before), packets(10, &[("passed not-ip", 5), ("forwarded new-flow", 5)]));
        assert_eq!(now.since(&before).unaccounted(), 0);
        assert_eq!(packets(5, &[("passed not-ip", 3)]).unaccounted(), 2);
        assert_eq!(Packets { past_program: 1, ..packets(5, &[("passed not-ip", 3)]) }.unaccounted(), 1);
        assert_eq!(packets(3, &[("passed not-ip", 5)]).unaccounted(), -2);
    }

    #[test]
    fn growth_is_from_the_first_fifth_to_the_last() {
        let sizes: Vec<_> =
            (0..10).map(|at| Size { at: Duration::from_secs(at), resident: 100 + at, files: 9 }).collect();
        assert_eq!(first_and_last(&sizes, |size| size.resident), Some((101, 109)));
        assert_eq!(first_and_last(&sizes[..3], |size| size.resident), None);
    }
}
