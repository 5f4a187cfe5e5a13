//! What changes: one line in the log for each, and the same to whoever listens.

use crate::config::BackendName;
use crate::control::types::{Event, EventKind};
use std::collections::VecDeque;
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::sync::broadcast;

/// Events that are kept for those who come later.
const KEPT: usize = 1_000;

/// What an event is about.
#[derive(Clone, Copy, Debug)]
pub(super) enum About<'a> {
    All,
    Service(&'a str),
    Backend(&'a BackendName),
}

impl About<'_> {
    fn service(&self) -> Option<&str> {
        match self {
            Self::All => None,
            Self::Service(name) => Some(name),
            Self::Backend(name) => Some(&name.service),
        }
    }

    fn backend(&self) -> Option<&str> {
        match self {
            Self::Backend(name) => Some(&name.backend),
            _ => None,
        }
    }
}

/// The events so far, and those who are told of the next.
pub(super) struct Events {
    recent: VecDeque<Event>,
    next: u64,
    listeners: broadcast::Sender<Event>,
}

impl Events {
    pub(super) fn new() -> Self {
        // Whoever is slower than this misses some, and sees it by the numbers.
        Self { recent: VecDeque::new(), next: 1, listeners: broadcast::Sender::new(256) }
    }

    /// Something went well again, or as an operator wanted it.
    pub(super) fn info(&mut self, kind: EventKind, about: About<'_>, message: impl Into<String>) {
        let event = self.event(kind, false, about, message.into());
        tracing::info!(kind = %event.kind, service = event.service, backend = event.backend, "{}", event.message);
        self.keep(event);
    }

    /// Something needs attention.
    pub(super) fn warn(&mut self, kind: EventKind, about: About<'_>, message: impl Into<String>) {
        let event = self.event(kind, true, about, message.into());
        tracing::warn!(kind = %event.kind, service = event.service, backend = event.backend, "{}", event.message);
        self.keep(event);
    }

    /// Those that are kept, and the way to hear of those to come.
    pub(super) fn listen(&self) -> (Vec<Event>, broadcast::Receiver<Event>) {
        (self.recent.iter().cloned().collect(), self.listeners.subscribe())
    }

    fn event(&self, kind: EventKind, alarming: bool, about: About<'_>, message: String) -> Event {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Event {
            number: self.next,
            unix_ms: now.as_millis() as u64,
            kind,
            alarming,
            service: about.service().map(str::to_owned),
            backend: about.backend().map(str::to_owned),
            message,
        }
    }

    fn keep(&mut self, event: Event) {
        self.next += 1;
        if self.recent.len() == KEPT {
            self.recent.pop_front();
        }
        self.recent.push_back(event.clone());
        // Nobody may be listening.
        let _ = self.listeners.send(event);
    }
}
