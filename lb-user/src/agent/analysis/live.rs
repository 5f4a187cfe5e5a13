use crate::control::types::Snapshot;
use std::sync::Arc;
use tokio::sync::watch;

/// Those who want to see everything each second. All see the same snapshot, so it costs one reading of the maps, however many they are; who is
/// too slow for one sees the next.
pub(crate) struct Live(watch::Sender<Option<Arc<Snapshot>>>);

impl Live {
    /// Nobody yet.
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(None))
    }

    /// One more.
    pub(crate) fn listen(&self) -> watch::Receiver<Option<Arc<Snapshot>>> {
        let mut listener = self.0.subscribe();
        // What others saw before is old.
        listener.mark_unchanged();
        listener
    }

    /// Whether anybody listens.
    pub(crate) fn is_heard(&self) -> bool {
        self.0.receiver_count() > 0
    }

    /// Shows it to all of them.
    pub(crate) fn show(&self, snapshot: Snapshot) {
        self.0.send_replace(Some(Arc::new(snapshot)));
    }
}
