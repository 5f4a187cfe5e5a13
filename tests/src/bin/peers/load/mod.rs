//! Client and server, as light as can be, so that what is between them shows: on each CPU one thread of either, over epoll, without allocation
//! for a connection. The server's thread takes the connections that come in on its CPU.
//!
//! A request is 64 bytes, of which the first says what is wanted; an answer is 128 bytes.
//!
//! | file | what the client does |
//! |---|---|
//! | `connections` | new connections of one request each, a fixed number of them at once |
//! | `paced` | the same, begun at a fixed rate, whatever became of those before |
//! | `requests` | one request after the other over connections that stay open |
//! | `bulk` | bytes, as many as get through |

pub(crate) mod bulk;
pub(crate) mod connections;
mod exchange;
pub(crate) mod paced;
pub(crate) mod requests;
mod server;
mod threads;

pub(crate) use server::Servers;
pub(crate) use threads::cpus;

use anyhow::Result;
use lb_user::lab::{Namespace, topology::VIP};
use std::net::{SocketAddr, SocketAddrV4};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::sleep;
use std::time::Duration;

/// Where the servers listen, and whatever stands for them.
pub(crate) const PORT: u16 = 8000;
/// What the client connects to.
pub(crate) const TARGET: SocketAddr = SocketAddr::V4(SocketAddrV4::new(VIP, PORT));

/// What a request wants, by its first byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Wish {
    /// An answer, and the end of the connection.
    AnswerAndClose = b'c',
    /// An answer, and then the next request.
    Answer = b'a',
    /// Bytes without end.
    Download = b'd',
    /// To send bytes without end.
    Upload = b'u',
}

const ANSWER: [u8; 128] = [b'.'; 128];
const REQUEST_LEN: usize = 64;

impl Wish {
    fn request(self) -> [u8; REQUEST_LEN] {
        [self as u8; REQUEST_LEN]
    }

    fn of(byte: u8) -> Option<Self> {
        [Self::AnswerAndClose, Self::Answer, Self::Download, Self::Upload].into_iter().find(|wish| *wish as u8 == byte)
    }
}

/// How far the threads of the client are.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    /// What was done: connections, requests or bytes.
    done: AtomicU64,
    failed: AtomicU64,
    /// Whether what is done counts: the load has been there for a while.
    counts: AtomicBool,
    is_over: AtomicBool,
}

impl Progress {
    /// What was done so far.
    pub(crate) fn done(&self) -> u64 {
        self.done.load(Ordering::Relaxed)
    }

    /// What failed so far.
    pub(crate) fn failed(&self) -> u64 {
        self.failed.load(Ordering::Relaxed)
    }

    fn add(&self, done: usize) {
        self.done.fetch_add(done as u64, Ordering::Relaxed);
    }

    fn fail(&self) {
        self.failed.fetch_add(1, Ordering::Relaxed);
    }

    fn counts(&self) -> bool {
        self.counts.load(Ordering::Relaxed)
    }

    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }
}

/// How long the load is there before anything counts.
const WARM_UP: Duration = Duration::from_millis(300);

/// Has a thread on each CPU do `work` at the client for `time`. Calls `look` when that begins and when it ends. Returns what both saw, and what
/// the threads came to.
pub(crate) fn under<S, T: Send>(
    client: &Namespace,
    time: Duration,
    progress: &Progress,
    work: impl Fn(&Progress) -> Result<T> + Sync,
    look: impl Fn(&Progress) -> Result<S>,
) -> Result<([S; 2], Vec<T>)> {
    std::thread::scope(|scope| {
        let threads = scope.spawn(|| threads::on_each_cpu(client, || work(progress)));
        let looks = (|| -> Result<[S; 2]> {
            sleep(WARM_UP);
            progress.counts.store(true, Ordering::Relaxed);
            let before = look(progress)?;
            sleep(time);
            Ok([before, look(progress)?])
        })();
        progress.is_over.store(true, Ordering::Relaxed);
        let results = threads.join().unwrap_or_else(|panicked| std::panic::resume_unwind(panicked))?;
        Ok((looks?, results))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_says_what_it_wants() {
        for wish in [Wish::AnswerAndClose, Wish::Answer, Wish::Download, Wish::Upload] {
            assert_eq!(Wish::of(wish.request()[0]), Some(wish));
        }
        assert_eq!(Wish::of(b'x'), None);
    }
}
