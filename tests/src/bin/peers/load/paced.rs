//! New connections at a fixed rate, in an open loop: none waits for another, and each is timed from when it was due, not from when the client
//! got to it. So a stall counts for all who would have come in it.

use super::Progress;
use super::connections::PATIENCE;
use super::exchange::Exchange;
use super::threads::cpus;
use anyhow::{Context, Result};
use hdrhistogram::Histogram;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};
use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
use std::time::{Duration, Instant};

/// Most connections at once on each CPU; more are failures.
const MOST: usize = 4_096;
/// How long the last ones may take.
const LAST: Duration = Duration::from_secs(2);
/// The number of the timer's events.
const TIMER: u64 = u64::MAX;

/// Times in nanoseconds, to three digits, up to ten seconds.
pub(crate) fn no_times() -> Result<Histogram<u64>> {
    Ok(Histogram::new_with_bounds(1_000, 10_000_000_000, 3)?)
}

/// Makes its share of `rate` connections a second until it is over. Returns how long each took that counts.
pub(crate) fn run(progress: &Progress, rate: u32) -> Result<Histogram<u64>> {
    let interval = Duration::from_secs(1) * cpus()?.len() as u32 / rate;
    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
    let timer = TimerFd::new(ClockId::CLOCK_MONOTONIC, TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC)?;
    timer.set(Expiration::Interval(TimeSpec::from_duration(interval)), TimerSetTimeFlags::empty())?;
    epoll.add(&timer, EpollEvent::new(EpollFlags::EPOLLIN, TIMER))?;

    let under_way = (0..MOST).map(|_| None).collect();
    let mut pace = Pace { epoll, timer, under_way, free: (0..MOST).collect(), times: no_times()? };
    let mut due = Instant::now();
    while !progress.is_over() {
        pace.answers(progress)?;
        while due <= Instant::now() {
            pace.begin(due, progress)?;
            due += interval;
        }
    }
    let end = Instant::now() + LAST;
    while pace.free.len() < MOST && Instant::now() < end {
        pace.answers(progress)?;
    }
    (pace.free.len()..MOST).for_each(|_| progress.fail());
    Ok(pace.times)
}

struct Pace {
    epoll: Epoll,
    /// Wakes up when the next connection is due.
    timer: TimerFd,
    under_way: Vec<Option<Timed>>,
    free: Vec<usize>,
    times: Histogram<u64>,
}

struct Timed {
    exchange: Exchange,
    due: Instant,
    counts: bool,
}

impl Pace {
    fn begin(&mut self, due: Instant, progress: &Progress) -> Result<()> {
        let Some(slot) = self.free.pop() else {
            progress.fail();
            return Ok(());
        };
        let exchange = Exchange::begin(&self.epoll, slot)?;
        self.under_way[slot] = Some(Timed { exchange, due, counts: progress.counts() });
        Ok(())
    }

    /// Waits for events, and goes on with those connections.
    fn answers(&mut self, progress: &Progress) -> Result<()> {
        let mut events = [EpollEvent::empty(); 64];
        let count = self.epoll.wait(&mut events, PATIENCE)?;
        for event in &events[..count] {
            if event.data() == TIMER {
                self.timer.wait()?;
                continue;
            }
            let slot = event.data() as usize;
            let timed = self.under_way[slot].as_mut().context("an event of a connection that has ended")?;
            match timed.exchange.go_on() {
                Ok(false) => continue,
                Ok(true) => {
                    progress.add(1);
                    if timed.counts {
                        self.times.saturating_record(timed.due.elapsed().as_nanos() as u64);
                    }
                }
                Err(_) => progress.fail(),
            }
            self.under_way[slot] = None;
            self.free.push(slot);
        }
        Ok(())
    }
}
