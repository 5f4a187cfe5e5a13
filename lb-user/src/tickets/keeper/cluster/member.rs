use super::inbox::Inbox;
use super::store::{Lease, Snapshot, Store};
use super::{Error, Role};
use crate::tickets::{BootTime, Ring, RingName};
use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::timeout;

/// An agent as one of several: it follows, or leads.
pub(super) struct Member {
    store: Arc<Store>,
    role: watch::Sender<Role>,
    inbox: Inbox,
    /// Whether it was logged that etcd is out of reach.
    complained: bool,
}

/// Who has been asked to stop.
struct Stopped;

impl Member {
    pub(super) fn new(store: Arc<Store>, role: watch::Sender<Role>, rings: mpsc::Sender<(RingName, Ring)>) -> Self {
        Self { store, role, inbox: Inbox::new(rings), complained: false }
    }

    /// Meets the others until the other end of `stop` goes.
    pub(super) async fn run(mut self, mut stop: oneshot::Receiver<()>) {
        loop {
            match self.seek().await {
                Ok(Some(lease)) => {
                    if let Err(Stopped) = self.lead(lease, &mut stop).await {
                        return;
                    }
                }
                Ok(None) => {}
                Err(error) => self.cut_off(&error),
            }
            if let Err(Stopped) = pause(self.store.beat(), &mut stop).await {
                return;
            }
        }
    }

    /// Looks what there is. If nobody leads, it tries to.
    async fn seek(&mut self) -> Result<Option<Lease>, Error> {
        let snapshot = self.store.read().await?;
        self.complained = false;
        self.inbox.take(&self.store, &snapshot.rings);
        let leader = snapshot.leader.map(|leader| leader.name);
        let is_vacant = leader.is_none();
        self.tell(Role::Follower { leader });
        if !is_vacant {
            return Ok(None);
        }
        let Some(lease) = self.store.campaign().await? else { return Ok(None) };
        // From here on nobody else can publish: what there is now is all that there is.
        let snapshot = self.store.read().await?;
        self.inbox.take(&self.store, &snapshot.rings);
        Ok(self.take_over(&snapshot, lease))
    }

    fn take_over(&mut self, snapshot: &Snapshot, lease: Lease) -> Option<Lease> {
        let is_ours = snapshot.leader.as_ref().is_some_and(|leader| leader.fence == lease.fence);
        if !is_ours || BootTime::now() >= lease.good_until {
            return None;
        }
        let mut published = snapshot.published(&self.store);
        // What an agent has opened was published, whatever the public part says.
        for (name, version) in self.inbox.newest() {
            let known = published.entry(name.clone()).or_insert(*version);
            *known = (*known).max(*version);
        }
        self.tell(Role::Leader { fence: lease.fence, published });
        Some(lease)
    }

    /// Leads for as long as it is certain that nobody else does.
    async fn lead(&mut self, mut lease: Lease, stop: &mut oneshot::Receiver<()>) -> Result<(), Stopped> {
        loop {
            let left = lease.good_until.since(BootTime::now());
            if left.is_zero() {
                break self.cut_off(&"the lease ends, and etcd does not renew it");
            }
            if let Err(Stopped) = pause(self.store.beat().min(left), stop).await {
                self.tell(Role::Follower { leader: None });
                self.store.give_up(&lease).await;
                return Err(Stopped);
            }
            let left = lease.good_until.since(BootTime::now());
            match timeout(left, self.store.renew(&lease)).await {
                Ok(Ok(good_until)) => lease.good_until = good_until,
                Ok(Err(error @ Error::Fenced)) => break self.cut_off(&error),
                // There is time to try again, or there is none: see above.
                Ok(Err(error)) => tracing::debug!("{error}"),
                Err(_) => {}
            }
        }
        Ok(())
    }

    fn cut_off(&mut self, error: &dyn Display) {
        if !self.complained {
            tracing::warn!("this agent makes no ticket keys for now: {error}");
            self.complained = true;
        }
        if !matches!(*self.role.borrow(), Role::CutOff { .. }) {
            self.tell(Role::CutOff { since: BootTime::now() });
        }
    }

    fn tell(&self, role: Role) {
        self.role.send_if_modified(|known| {
            let is_new = *known != role;
            *known = role;
            is_new
        });
    }
}

async fn pause(time: Duration, stop: &mut oneshot::Receiver<()>) -> Result<(), Stopped> {
    match timeout(time, stop).await {
        Err(_) => Ok(()),
        Ok(_) => Err(Stopped),
    }
}
