use super::store::{MOST_RINGS, Store, ring_name};
use super::value::{self, Clocks};
use crate::tickets::{Ring, RingName, Version};
use etcd_client::KeyValue;
use std::collections::BTreeMap;
use tokio::sync::mpsc::Sender;
use tokio::sync::mpsc::error::TrySendError;

/// What has come for this agent: everything is looked at once, and passed on once.
pub(super) struct Inbox {
    rings: Sender<(RingName, Ring)>,
    /// The revisions of the values that were looked at.
    seen: BTreeMap<Vec<u8>, i64>,
    newest: BTreeMap<RingName, Version>,
}

impl Inbox {
    pub(super) fn new(rings: Sender<(RingName, Ring)>) -> Self {
        Self { rings, seen: BTreeMap::new(), newest: BTreeMap::new() }
    }

    /// Passes on what is new among `values`. What is wrong with the others is logged once.
    pub(super) fn take(&mut self, store: &Store, values: &[KeyValue]) {
        self.seen.retain(|key, _| values.iter().any(|value| value.key() == key));
        for value in values.iter().take(MOST_RINGS) {
            if self.seen.get(value.key()) == Some(&value.mod_revision()) {
                continue;
            }
            match self.open(store, value) {
                Ok((name, ring)) => {
                    let version = ring.version;
                    if let Err(TrySendError::Full(_)) = self.rings.try_send((name.clone(), ring)) {
                        // Whoever takes them is slow: it is looked at again.
                        continue;
                    }
                    self.newest.insert(name, version);
                }
                Err(reason) => {
                    let key = String::from_utf8_lossy(value.key());
                    tracing::warn!("the ring in etcd at {key:.128?} is not taken: {reason}");
                }
            }
            self.seen.insert(value.key().to_vec(), value.mod_revision());
        }
    }

    /// The newest ring of each name that came.
    pub(super) fn newest(&self) -> &BTreeMap<RingName, Version> {
        &self.newest
    }

    fn open(&self, store: &Store, value: &KeyValue) -> Result<(RingName, Ring), String> {
        let settings = &store.settings;
        let name = ring_name(value, &store.rings_of(&settings.name)).ok_or("its key names no ring")?;
        let recipient = (settings.name.as_str(), &settings.seal_key);
        let ring = value::open(recipient, &store.agents, &name, value.value(), Clocks::now())?;
        match self.newest.get(&name) {
            Some(newest) if ring.version < *newest => {
                Err(format!("it is {}, and {newest} came before it", ring.version))
            }
            _ => Ok((name, ring)),
        }
    }
}
