//! Affinity, simulated: hours of clients who come and go, in seconds.
//!
//! The balancer is no model: it is the packet logic of the XDP program and the agent's own planning, over maps in memory, with a clock
//! that goes when it is told to. So what comes out is what the same traffic would meet in the kernel. `docs/affinity.md` has the figures.
//!
//! | module | what it holds |
//! |---|---|
//! | `traffic` | [`Traffic`]: which client connects when, and for how long |
//! | `balancer` | [`Balancer`]: packets in, back-ends out, and the agent's part once a second |

mod balancer;
mod traffic;

pub use balancer::{Balancer, Connection};
pub use traffic::{Arrival, Traffic};

use anyhow::Result;
use lb_user::lab::Policy;
use lb_user::lab::balance::{Fairness, Unevenness};
use lb_user::lab::reuse::Reuse;
use std::collections::BTreeMap;
use std::time::Duration;

/// How often the agent looks after the load.
const SECOND: Duration = Duration::from_secs(1);

/// Some time of a service.
#[derive(Clone, Copy, Debug)]
pub struct Simulation {
    /// How it hands out new flows.
    pub policy: Policy,
    /// How many back-ends it has.
    pub backends: u8,
    /// What its clients do.
    pub traffic: Traffic,
    /// How long they do it.
    pub duration: Duration,
    /// For how long the load is not looked at: it takes a while until as many flows end as begin.
    pub warm_up: Duration,
}

/// What a policy means for clients and back-ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outcome {
    /// The part of the connections of clients with a session that got to the session's back-end; see [`Reuse`].
    pub reuse: Option<f64>,
    /// How uneven the live flows of the back-ends were.
    pub load: Option<Unevenness>,
    /// The most connections that one back-end got in all the time, over the mean.
    pub max_over_mean: f64,
}

impl Simulation {
    /// Lets the time pass.
    ///
    /// # Errors
    /// When there can be no such service, or a packet was not forwarded.
    pub fn run(&self) -> Result<Outcome> {
        let mut balancer = Balancer::new(&self.policy, self.backends)?;
        let mut arrivals = self.traffic.arrivals().peekable();
        let mut open = BTreeMap::new();
        let (mut connections, mut reuse, mut unevenness) =
            (vec![0; self.backends.into()], Reuse::default(), Vec::new());
        let mut now = Duration::ZERO;
        while now < self.duration {
            now += SECOND;
            while let Some(Arrival { at, client, lasts }) = arrivals.next_if(|arrival| arrival.at < now) {
                close(&mut open, &balancer, at)?;
                balancer.wait_until(at);
                let connection = balancer.open(client)?;
                connections[usize::from(connection.backend)] += 1;
                reuse.count(client, connection.backend, at);
                open.insert((at + lasts, connection.port), connection);
            }
            close(&mut open, &balancer, now)?;
            balancer.wait_until(now);
            balancer.look_after_load()?;
            if now > self.warm_up {
                unevenness.push(Fairness::of(&balancer.live_flows()).max_over_mean);
            }
        }
        let max_over_mean = Fairness::of(&connections).max_over_mean;
        Ok(Outcome { reuse: reuse.rate(), load: Unevenness::of(unevenness), max_over_mean })
    }
}

/// Closes the connections whose time is over at `now`, each when it ends.
fn close(open: &mut BTreeMap<(Duration, u16), Connection>, balancer: &Balancer, now: Duration) -> Result<()> {
    while let Some(first) = open.first_entry().filter(|first| first.key().0 < now) {
        balancer.wait_until(first.key().0);
        balancer.close(&first.remove())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
