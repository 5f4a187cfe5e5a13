//! New connections of one request each: when one ends, the next begins.

use super::Progress;
use super::exchange::Exchange;
use anyhow::Result;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent};

/// Connections at once on each CPU.
const AT_ONCE: usize = 32;

/// How long to wait for an event before looking whether it is over, in milliseconds.
pub(super) const PATIENCE: u8 = 50;

/// Makes connections until it is over.
pub(crate) fn run(progress: &Progress) -> Result<()> {
    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
    let mut exchanges = (0..AT_ONCE).map(|slot| Exchange::begin(&epoll, slot)).collect::<Result<Vec<_>>>()?;
    let mut events = [EpollEvent::empty(); AT_ONCE];
    while !progress.is_over() {
        let count = epoll.wait(&mut events, PATIENCE)?;
        for event in &events[..count] {
            let slot = event.data() as usize;
            match exchanges[slot].go_on() {
                Ok(false) => continue,
                Ok(true) => progress.add(1),
                Err(_) => progress.fail(),
            }
            exchanges[slot] = Exchange::begin(&epoll, slot)?;
        }
    }
    Ok(())
}
