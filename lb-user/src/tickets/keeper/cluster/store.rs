//! What is asked of etcd, and where in it everything is.

use super::value::{self, Clocks, Public};
use super::{Error, PeerKey, Settings};
use crate::tickets::{BootTime, Ring, RingName, Version};
use etcd_client::{
    Certificate, Client, Compare, CompareOp, ConnectOptions, DeleteOptions, GetOptions, GetResponse, Identity,
    KeyValue, PutOptions, TlsOptions, Txn, TxnOp, TxnOpResponse, TxnResponse,
};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::timeout;

/// The most rings that are taken from etcd.
pub(super) const MOST_RINGS: usize = 1_024;

/// etcd, as far as agents use it.
pub(super) struct Store {
    pub(super) settings: Settings,
    /// All of them, with this one: who seals, and who is sealed for.
    pub(super) agents: BTreeMap<String, PeerKey>,
    client: Client,
}

/// What there is at one moment.
pub(super) struct Snapshot {
    pub(super) leader: Option<Leader>,
    /// The rings for this agent, as they are in etcd.
    pub(super) rings: Vec<KeyValue>,
    /// What is public of all rings, likewise.
    published: Vec<KeyValue>,
}

/// Who leads.
pub(super) struct Leader {
    pub(super) name: String,
    pub(super) fence: i64,
}

/// The right to lead.
pub(super) struct Lease {
    id: i64,
    pub(super) fence: i64,
    /// Until when it is certain that nobody else leads.
    pub(super) good_until: BootTime,
}

impl Store {
    /// Connects, which does not wait for etcd.
    pub(super) async fn new(settings: Settings) -> Result<Self, Error> {
        let beat = settings.ttl / 5;
        // A connection that nothing comes from is given up in time for another one.
        let mut options = ConnectOptions::new()
            .with_connect_timeout(beat)
            .with_keep_alive(beat, beat)
            .with_keep_alive_while_idle(true)
            .with_require_leader(true);
        if let Some(tls) = &settings.tls {
            let mut with = TlsOptions::new().ca_certificate(Certificate::from_pem(&tls.ca));
            if let Some((certificate, key)) = &tls.identity {
                with = with.identity(Identity::from_pem(certificate, &key[..]));
            }
            options = options.with_tls(with);
        }
        let connected = Client::connect(&settings.endpoints, Some(options)).await;
        let client = connected.map_err(|error| failed(&settings, &error.to_string()))?;
        let mut agents = settings.peers.clone();
        agents.insert(settings.name.clone(), settings.seal_key.public());
        Ok(Self { settings, agents, client })
    }

    /// How often etcd is asked, and how long one answer may take.
    pub(super) fn beat(&self) -> Duration {
        self.settings.ttl / 5
    }

    /// What there is now.
    pub(super) async fn read(&self) -> Result<Snapshot, Error> {
        let all = || Some(GetOptions::new().with_prefix().with_limit(MOST_RINGS as i64));
        let txn = Txn::new().and_then([
            TxnOp::get(self.leader_key(), None),
            TxnOp::get(self.rings_of(&self.settings.name), all()),
            TxnOp::get(self.meta(), all()),
        ]);
        let mut answers = self.ask(txn).await?.op_responses().into_iter();
        let mut next = || match answers.next() {
            Some(TxnOpResponse::Get(mut response)) => Ok(GetResponse::take_kvs(&mut response)),
            _ => Err(failed(&self.settings, "it answers something else than was asked")),
        };
        let (leader, rings, published) = (next()?, next()?, next()?);
        let leader = leader.first().map(|it| Leader {
            name: String::from_utf8_lossy(it.value()).chars().take(63).collect(),
            fence: it.create_revision(),
        });
        Ok(Snapshot { leader, rings, published })
    }

    /// Tries to become the leader; `None` when another one was faster.
    pub(super) async fn campaign(&self) -> Result<Option<Lease>, Error> {
        let asked = BootTime::now();
        let seconds = i64::try_from(self.settings.ttl.as_secs()).unwrap_or(i64::MAX);
        let mut leases = self.client.lease_client();
        let id = self.in_time(leases.grant(seconds, None)).await?.id();
        let (key, name) = (self.leader_key(), self.settings.name.as_str());
        let txn = Txn::new()
            .when([Compare::create_revision(key.as_str(), CompareOp::Equal, 0)])
            .and_then([TxnOp::put(key, name, Some(PutOptions::new().with_lease(id)))]);
        let answer = self.ask(txn).await?;
        let lease = Lease {
            id,
            fence: answer.header().map_or(0, etcd_client::ResponseHeader::revision),
            good_until: self.good_until(asked),
        };
        if answer.succeeded() {
            return Ok(Some(lease));
        }
        self.give_up(&lease).await;
        Ok(None)
    }

    /// Makes the lease last longer; returns until when it does.
    pub(super) async fn renew(&self, lease: &Lease) -> Result<BootTime, Error> {
        // The lease is renewed after this moment.
        let asked = BootTime::now();
        let mut leases = self.client.lease_client();
        self.in_time(leases.keep_alive(lease.id)).await?;
        let leader = self.in_time(self.client.kv_client().get(self.leader_key(), None)).await?;
        match leader.kvs().first() {
            Some(key) if key.create_revision() == lease.fence => Ok(self.good_until(asked)),
            _ => Err(Error::Fenced),
        }
    }

    /// Lets others lead at once. If etcd does not hear it, they lead when the lease ends.
    pub(super) async fn give_up(&self, lease: &Lease) {
        let mut leases = self.client.lease_client();
        if let Err(error) = self.in_time(leases.revoke(lease.id)).await {
            tracing::debug!("the lease ends by itself: {error}");
        }
    }

    /// Writes a ring for every agent.
    pub(super) async fn publish(&self, fence: i64, name: &RingName, ring: &Ring) -> Result<(), Error> {
        let Settings { name: own, seal_key, .. } = &self.settings;
        // Nobody else writes between this and the transaction: both are for the leader alone.
        let meta = format!("{}{name}", self.meta());
        let former = self.in_time(self.client.kv_client().get(meta.as_str(), None)).await?;
        if let Some(published) = former.kvs().first().and_then(|it| Public::parse(it.value())).map(|it| it.version)
            && ring.version < published
        {
            return Err(Error::Behind { version: ring.version, published });
        }
        let now = Clocks::now();
        let public = Public { version: ring.version, leader: own.clone(), published: now.wall.as_millis() as u64 };
        let mut puts = vec![TxnOp::put(meta, serde_json::to_vec(&public).unwrap_or_default(), None)];
        for (peer, key) in &self.agents {
            let value = value::seal((own, seal_key), (peer, key), name, ring, now)
                .map_err(|reason| Error::Seal { peer: peer.clone(), reason })?;
            puts.push(TxnOp::put(format!("{}{name}", self.rings_of(peer)), value, None));
        }
        self.as_leader(fence, puts).await
    }

    /// Deletes a ring, but not what is public of it: if it comes again, it has a higher version.
    pub(super) async fn remove(&self, fence: i64, name: &RingName) -> Result<(), Error> {
        let keys = self.agents.keys().map(|peer| format!("{}{name}", self.rings_of(peer)));
        self.as_leader(fence, keys.map(|key| TxnOp::delete(key, None::<DeleteOptions>)).collect()).await
    }

    async fn as_leader(&self, fence: i64, operations: Vec<TxnOp>) -> Result<(), Error> {
        let is_leader = Compare::create_revision(self.leader_key(), CompareOp::Equal, fence);
        let answer = self.ask(Txn::new().when([is_leader]).and_then(operations)).await?;
        if answer.succeeded() { Ok(()) } else { Err(Error::Fenced) }
    }

    async fn ask(&self, txn: Txn) -> Result<TxnResponse, Error> {
        self.in_time(self.client.kv_client().txn(txn)).await
    }

    async fn in_time<T>(&self, asked: impl Future<Output = Result<T, etcd_client::Error>>) -> Result<T, Error> {
        match timeout(self.beat(), asked).await {
            Ok(answer) => answer.map_err(|error| failed(&self.settings, &error.to_string())),
            Err(_) => Err(failed(&self.settings, &format!("no answer within {:?}", self.beat()))),
        }
    }

    /// A fifth of the time is for clocks that do not go at the same speed, and for the way to whoever has to stop.
    fn good_until(&self, asked: BootTime) -> BootTime {
        asked.plus(self.settings.ttl - self.beat())
    }

    fn leader_key(&self) -> String {
        format!("{}/leader", self.settings.prefix)
    }

    /// What the keys of an agent's rings begin with; the name of the ring follows.
    pub(super) fn rings_of(&self, agent: &str) -> String {
        format!("{}/rings/{agent}/", self.settings.prefix)
    }

    fn meta(&self) -> String {
        format!("{}/meta/", self.settings.prefix)
    }
}

impl Snapshot {
    /// The newest ring of each name that was ever published.
    pub(super) fn published(&self, store: &Store) -> BTreeMap<RingName, Version> {
        let prefix = store.meta();
        let readable = self.published.iter().filter_map(|it| {
            let name = ring_name(it, &prefix)?;
            Some((name, Public::parse(it.value())?.version))
        });
        readable.collect()
    }
}

/// The ring that a key below `prefix` is about.
pub(super) fn ring_name(pair: &KeyValue, prefix: &str) -> Option<RingName> {
    let name = pair.key().strip_prefix(prefix.as_bytes())?;
    RingName::try_from(String::from_utf8(name.to_vec()).ok()?).ok()
}

fn failed(settings: &Settings, reason: &str) -> Error {
    Error::Etcd { endpoints: settings.endpoints.join(", "), reason: reason.to_owned() }
}
