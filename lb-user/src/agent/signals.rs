use std::io;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// What a signal tells a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// To end: SIGTERM, SIGINT (Ctrl-C).
    End,
    /// To read its configuration again, or to end if it has none: SIGHUP.
    Reload,
}

/// The signals that a process heeds.
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    /// Catches them from now on.
    pub(crate) fn catch() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// Waits for one, or returns at once if one has come already.
    pub(crate) async fn received(&mut self) -> Told {
        tokio::select! {
            _ = self.terminate.recv() => Told::End,
            _ = self.interrupt.recv() => Told::End,
            _ = self.hang_up.recv() => Told::Reload,
        }
    }
}
