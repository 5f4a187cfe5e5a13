//! This agent among those that serve the same rings: what it makes goes to them, and what the leader makes comes from them.

use super::cluster::{Cluster, News, Role, SealKey, Settings, Tls};
use super::record::Notice;
use super::rings::{Part, Rings};
use super::{Error, FileError, Keeper};
use crate::config::TicketCluster;
use crate::tickets::{Ring, RingName, Version};
use std::collections::BTreeMap;
use std::fs;
use std::future;
use std::path::Path;
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval};
use zeroize::Zeroizing;

/// How often what could not be published is published again.
const RETRY: Duration = Duration::from_secs(1);

/// How this agent meets the others.
///
/// # Errors
/// When a file of a key or certificate cannot be read.
pub(super) fn settings(cluster: &TicketCluster) -> Result<Settings, Error> {
    let read = |path: &Path| fs::read(path).map_err(|source| FileError::new(path, source));
    let identity = match &cluster.identity {
        Some((certificate, key)) => Some((read(certificate)?, Zeroizing::new(read(key)?))),
        None => None,
    };
    let ca = cluster.ca.as_deref().map(read).transpose()?;
    let settings = Settings {
        name: cluster.name.clone(),
        endpoints: cluster.etcd.clone(),
        prefix: cluster.prefix.clone(),
        ttl: cluster.ttl,
        seal_key: SealKey::load(&cluster.seal_key).map_err(Error::Cluster)?,
        peers: cluster.peers.clone(),
        tls: ca.map(|ca| Tls { ca, identity }),
    };
    settings.check().map_err(Error::Cluster)?;
    Ok(settings)
}

/// Takes part, for ever.
pub(super) async fn take_part(keeper: Keeper, settings: Settings) {
    let (cluster, mut news) = match Cluster::start(settings).await {
        Ok(started) => started,
        Err(error) => {
            keeper.tell(true, format!("tickets: {error}: this agent follows nobody"));
            return future::pending().await;
        }
    };
    let mut changed = keeper.0.changed.subscribe();
    let mut retry = interval(RETRY);
    retry.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut published = BTreeMap::new();
    loop {
        tokio::select! {
            // What was published comes before the role that goes on from it.
            biased;
            Some((name, ring)) = news.rings.recv() => keeper.with(|rings, now| rings.adopt(&name, ring, now)),
            Ok(()) = news.role.changed() => {
                published.clear();
                keeper.play(&mut news);
            }
            Ok(()) = changed.changed() => {}
            _ = retry.tick() => {}
        }
        let role = news.role.borrow().clone();
        if let Role::Leader { fence, .. } = role
            && keeper.leads()
        {
            // Who does not lead any more does not wait for etcd to say so.
            let mut other_role = news.role.clone();
            tokio::select! {
                () = keeper.publish(&cluster, fence, &mut published) => {}
                _ = other_role.changed() => {}
            }
        }
    }
}

impl Keeper {
    /// Plays the part that the others leave to this agent.
    fn play(&self, news: &mut News) {
        let role = news.role.borrow_and_update().clone();
        self.with(|rings, now| {
            let before = rings.part().clone();
            match role {
                Role::Leader { published, .. } => {
                    if let Err(error) = rings.lead(&published, now) {
                        let message = format!("tickets: a ring cannot begin: {error}");
                        rings.outcome.notices.push(Notice { alarming: true, message });
                    }
                }
                Role::Follower { leader } => rings.obey(leader),
                Role::CutOff { .. } => rings.obey(None),
            }
            tell_part(rings, &before);
        });
    }

    /// Whether this agent makes the keys.
    fn leads(&self) -> bool {
        self.with(|rings, _| *rings.part() == Part::Leads)
    }

    /// Publishes the rings that are others than those that were.
    async fn publish(&self, cluster: &Cluster, fence: i64, published: &mut BTreeMap<RingName, Version>) {
        let of_now = |(name, kept): (&RingName, &super::kept::Kept)| (name.clone(), kept.ring.clone());
        let rings: Vec<(RingName, Ring)> = self.with(|rings, _| rings.iter().map(of_now).collect());
        for (name, ring) in &rings {
            if published.get(name) == Some(&ring.version) {
                continue;
            }
            match cluster.publish(fence, name, ring).await {
                Ok(()) => drop(published.insert(name.clone(), ring.version)),
                Err(error) => tracing::warn!(ring = %name, %error, "the ring is not published yet"),
            }
        }
        let is_gone = |name: &&RingName| rings.iter().all(|(ring, _)| ring != *name);
        for name in published.keys().filter(is_gone).cloned().collect::<Vec<_>>() {
            match cluster.remove(fence, &name).await {
                Ok(()) => drop(published.remove(&name)),
                Err(error) => tracing::warn!(ring = %name, %error, "the ring is not taken away yet"),
            }
        }
    }
}

/// A line when the part is another.
fn tell_part(rings: &mut Rings, before: &Part) {
    let (alarming, message) = match rings.part() {
        part if part == before => return,
        Part::Leads => (false, "tickets: this agent makes the keys".to_owned()),
        Part::Follows(Some(leader)) => (false, format!("tickets: {leader} makes the keys, this agent follows")),
        Part::Follows(None) => {
            (true, "tickets: no agent leads, or etcd cannot be reached: keys are not rotated".to_owned())
        }
    };
    rings.outcome.notices.push(Notice { alarming, message });
}
