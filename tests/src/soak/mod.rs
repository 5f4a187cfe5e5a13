//! Everything at once, under load, for as long as one likes: and a ledger that accounts for every request and every packet.
//!
//! | file | what it holds |
//! |---|---|
//! | `plan` | what happens and when, from a seed |
//! | `chaos`, `squeeze` | has it happen |
//! | `stage` | the agent and its back-ends, and what all threads share |
//! | `clients` | who sends requests |
//! | `ledger`, `clerk` | what became of them, and what accounts for failures |
//! | `audit` | packets in, and what was decided on them; the agent's size |
//! | `report` | what it comes to |

mod audit;
mod chaos;
mod clerk;
mod clients;
mod ledger;
mod plan;
mod report;
mod squeeze;
mod stage;

pub use audit::{Packets, Size};
pub use ledger::{Account, Failure, Kind, Ledger, Outage};
pub use plan::{Event, Lane, Plan};
pub use report::Report;

use anyhow::{Result, anyhow};
use lb_user::lab::Node;
use stage::{Shared, Stage, lock};
use std::fs;
use std::mem;
use std::sync::atomic::Ordering;
use std::thread::{self, sleep};
use std::time::Duration;

/// Time between audits.
const BETWEEN_AUDITS: Duration = Duration::from_secs(45);
/// How old an agent is when its size counts: it is still growing until then.
const GROWN: u32 = 10;

/// Has everything happen that follows from `seed`, for `time`; `tell` hears of it line by line. Scenes have names of their own.
///
/// # Errors
/// When it cannot begin. Whatever is wrong later is in the report.
pub fn soak(name: &str, time: Duration, seed: u64, tell: &(dyn Fn(&str) + Sync)) -> Result<Report> {
    let stage = Stage::set(name)?;
    let shared = Shared::new(tell);
    let (balancer, control) = (stage.scene().namespace(Node::Balancer), stage.control());
    let first = Packets::now(&balancer, &control)?;
    let (mut last, mut audits) = (first.clone(), Vec::new());

    let (events, sizes) = thread::scope(|scope| -> Result<_> {
        let clients = scope.spawn(|| clients::come(&stage, &shared));
        let clerk = scope.spawn(|| clerk::work(&stage, &shared));
        let watch = scope.spawn(|| watch(&stage, &shared));
        let (stage, shared) = (&stage, &shared);
        let lanes = Lane::ALL.map(|lane| scope.spawn(move || chaos::run(lane, seed, stage, shared)));
        while !shared.is_over() {
            sleep(BETWEEN_AUDITS.min(time.saturating_sub(shared.now())));
            if shared.now() >= time {
                shared.end();
            }
            let closed = shared.close();
            match Packets::now(&balancer, &control) {
                Ok(now) => {
                    let since = now.since(&last);
                    shared.tell(&format!("audit: {} packets in, {} unaccounted", since.received, since.unaccounted()));
                    audits.push(since.unaccounted());
                    last = now;
                }
                Err(error) => shared.problem(format!("no audit: {error:#}")),
            }
            drop(closed);
        }
        let panicked = |_| anyhow!("a thread of the soak panicked");
        let mut events = 0;
        for lane in lanes {
            events += lane.join().map_err(panicked)?;
        }
        clients.join().map_err(panicked)??;
        clerk.join().map_err(panicked)?;
        Ok((events, watch.join().map_err(panicked)?))
    })?;

    let log = fs::read_to_string(stage.scene().site().agent_log())?;
    for line in log.lines().filter(|line| line.contains("panicked")) {
        shared.problem(format!("the agent's log: {line}"));
    }
    let links_up = shared.links_up.load(Ordering::Relaxed);
    let (ledger, problems) = (mem::take(&mut *lock(&shared.ledger)), shared.problems());
    Ok(Report {
        seed,
        time: shared.now(),
        events,
        ledger,
        packets: last.since(&first),
        links_up,
        audits,
        sizes,
        problems,
    })
}

/// The size of the agent, every second, as soon as it is grown up.
fn watch(stage: &Stage, shared: &Shared) -> Vec<Size> {
    let (mut sizes, mut process, mut age) = (Vec::new(), 0, 0);
    while !shared.is_over() {
        sleep(Duration::from_secs(1));
        let current = stage.process();
        age = if current == process { age + 1 } else { 0 };
        process = current;
        if process != 0 && age >= GROWN {
            sizes.extend(Size::of(process, shared.now()));
        }
    }
    sizes
}
