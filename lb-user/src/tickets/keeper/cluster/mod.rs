//! Several agents that serve the same rings: one makes the keys, the others follow. They meet in etcd.
//!
//! The leader is who made the key `PREFIX/leader`, which lives as long as the lease that it belongs to. What the leader writes is guarded
//! by that key's create revision, the fence: what a former leader sends late is refused. It also stops to lead by its own clock before the
//! lease can end.
//!
//! A ring is written once for each agent, sealed for it (`PREFIX/rings/AGENT/RING`), since etcd keeps all that it is told on disk, also what was
//! overwritten; and once without keys (`PREFIX/meta/RING`).
//!
//! Agents ask etcd every fifth of the lease's time, for everything at once, instead of watching it: nothing can be missed, and an agent that
//! is cut off knows it.

mod error;
mod inbox;
mod member;
mod seal;
mod store;
mod value;

pub use error::Error;
pub use seal::{PeerKey, SealKey};

use crate::config::is_name;
use crate::tickets::{BootTime, Ring, RingName, Version};
use member::Member;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use store::Store;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use zeroize::Zeroizing;

/// How an agent meets the others.
#[derive(Debug)]
pub struct Settings {
    /// What this agent is called.
    pub name: String,
    /// Where etcd is: `http://HOST:PORT`, or `https://` with `tls`.
    pub endpoints: Vec<String>,
    /// What all keys in etcd begin with.
    pub prefix: String,
    /// How long a leader that is gone keeps others from leading. Whole seconds.
    pub ttl: Duration,
    /// What opens rings that are sealed for this agent, and shows that it has sealed others.
    pub seal_key: SealKey,
    /// The agents, by name. This one may be among them.
    pub peers: BTreeMap<String, PeerKey>,
    /// Certificates, if etcd asks for them.
    pub tls: Option<Tls>,
}

/// How TLS to etcd is spoken. All in PEM.
#[derive(Debug)]
pub struct Tls {
    /// Who signs etcd's certificate.
    pub ca: Vec<u8>,
    /// Certificate of this agent and its key, if etcd wants one.
    pub identity: Option<(Vec<u8>, Zeroizing<Vec<u8>>)>,
}

/// What an agent is among the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Role {
    /// It makes the keys.
    Leader {
        /// What [`Cluster::publish`] wants to see.
        fence: i64,
        /// The newest ring of each name that any leader has published. What this one publishes has a higher version.
        published: BTreeMap<RingName, Version>,
    },
    /// It takes the keys of another.
    Follower {
        /// The leader, if there is one at the moment.
        leader: Option<String>,
    },
    /// It does not reach etcd, and makes no keys.
    CutOff {
        /// Since when.
        since: BootTime,
    },
}

/// What an agent gets to know of the others.
#[derive(Debug)]
pub struct News {
    /// What it is at the moment.
    pub role: watch::Receiver<Role>,
    /// Rings that a leader has published, each with the version of the former one or a higher one. Who begins to lead has got all of them by
    /// then, also those that it has published itself.
    pub rings: mpsc::Receiver<(RingName, Ring)>,
}

/// This agent as one of several. It withdraws when it is dropped; a leader then gives up its lease.
pub struct Cluster {
    store: Arc<Store>,
    /// The member goes when this does.
    stop: oneshot::Sender<()>,
    member: JoinHandle<()>,
}

impl Cluster {
    /// Begins to meet the others. etcd need not be there yet.
    ///
    /// # Errors
    /// When the settings cannot be.
    pub async fn start(settings: Settings) -> Result<(Self, News), Error> {
        settings.check()?;
        let store = Arc::new(Store::new(settings).await?);
        let (role_sender, role) = watch::channel(Role::CutOff { since: BootTime::now() });
        let (ring_sender, rings) = mpsc::channel(store::MOST_RINGS);
        let (stop, stopped) = oneshot::channel();
        let member = Member::new(store.clone(), role_sender, ring_sender);
        let member = tokio::spawn(member.run(stopped));
        Ok((Self { store, stop, member }, News { role, rings }))
    }

    /// Gives a ring to all agents.
    ///
    /// # Errors
    /// When this agent no longer leads as `fence` says; when the version is lower than what is published; when etcd does not answer, and then
    /// the ring may be published or not.
    pub async fn publish(&self, fence: i64, name: &RingName, ring: &Ring) -> Result<(), Error> {
        self.store.publish(fence, name, ring).await
    }

    /// Takes a ring from all agents. Its version is remembered.
    ///
    /// # Errors
    /// When this agent no longer leads as `fence` says, or etcd does not answer.
    pub async fn remove(&self, fence: i64, name: &RingName) -> Result<(), Error> {
        self.store.remove(fence, name).await
    }

    /// Withdraws, so that another agent can lead at once.
    pub async fn stop(self) {
        drop(self.stop);
        // It cannot be awaited in vain: it asks etcd once, with a limit of time. If it panicked, there is nothing left to stop.
        let _ = self.member.await;
    }
}

impl Settings {
    /// etcd gives no shorter leases.
    pub const SHORTEST_TTL: Duration = Duration::from_secs(2);
    /// The usual time.
    pub const DEFAULT_TTL: Duration = Duration::from_secs(10);
    /// Where keys are by default.
    pub const DEFAULT_PREFIX: &str = "/handoff/tickets";
    /// etcd takes 128 operations in one transaction.
    const MOST_PEERS: usize = 100;

    /// Whether they can be.
    pub(super) fn check(&self) -> Result<(), Error> {
        let invalid = |reason: String| Err(Error::Settings(reason));
        if let Some(name) = self.peers.keys().chain([&self.name]).find(|name| !is_name(name)) {
            return invalid(format!("{name:?} is no name of an agent: use 1 to 63 letters, digits, '-', '_' or '.'"));
        }
        if self.ttl < Self::SHORTEST_TTL || self.ttl.subsec_nanos() != 0 {
            return invalid(format!("the lease's time is {:?}: use whole seconds, and two at least", self.ttl));
        }
        if !self.prefix.starts_with('/') || self.prefix.ends_with('/') {
            return invalid(format!("the prefix {:?} does not begin with '/', or ends with it", self.prefix));
        }
        if self.peers.len() > Self::MOST_PEERS {
            return invalid(format!("there are more than {} agents", Self::MOST_PEERS));
        }
        match self.peers.get(&self.name) {
            Some(key) if *key != self.seal_key.public() => {
                invalid(format!("the public key of {:?}, this agent, is not that of its seal key", self.name))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        let seal_key = SealKey::random().unwrap();
        Settings {
            name: "lb-1".to_owned(),
            // Nobody is there.
            endpoints: vec!["http://127.0.0.1:1".to_owned()],
            prefix: Settings::DEFAULT_PREFIX.to_owned(),
            ttl: Settings::SHORTEST_TTL,
            peers: [("lb-1".to_owned(), seal_key.public())].into(),
            seal_key,
            tls: None,
        }
    }

    #[test]
    fn settings_that_cannot_be_are_refused() {
        assert!(settings().check().is_ok());
        let other = SealKey::random().unwrap().public();
        let peers = |name: &str| BTreeMap::from([(name.to_owned(), other.clone())]);
        for (part, wrong) in [
            ("\"lb/2\"", Settings { name: "lb/2".to_owned(), ..settings() }),
            ("\"../lb\"", Settings { peers: peers("../lb"), ..settings() }),
            ("public key of \"lb-1\"", Settings { peers: peers("lb-1"), ..settings() }),
            ("whole seconds", Settings { ttl: Duration::from_millis(2_500), ..settings() }),
            ("whole seconds", Settings { ttl: Duration::from_secs(1), ..settings() }),
            ("prefix", Settings { prefix: "/handoff/".to_owned(), ..settings() }),
        ] {
            let error = wrong.check().unwrap_err().to_string();
            assert!(error.contains(part), "{part}: {error}");
        }
    }

    #[tokio::test]
    async fn an_agent_without_etcd_starts_leads_nobody_and_stops() {
        let (cluster, news) = Cluster::start(settings()).await.unwrap();
        let ring = Ring::begin(1, BootTime::now()).unwrap();
        let published = cluster.publish(1, &"web".to_owned().try_into().unwrap(), &ring).await;
        assert!(matches!(published, Err(Error::Etcd { .. })), "{published:?}");
        assert!(matches!(*news.role.borrow(), Role::CutOff { .. }));
        cluster.stop().await;
        assert!(news.role.has_changed().is_err(), "the member is gone");
    }
}
