//! Several agents that serve the same rings, and a real etcd that they meet in.

use anyhow::{Context, Result, ensure};
use lb_tests::scene::{Etcd, Secrets, eventually};
use lb_user::tickets::keeper::cluster::{Cluster, Error, News, PeerKey, Role, SealKey, Settings, Tls};
use lb_user::tickets::pki::{self, Name};
use lb_user::tickets::{BootTime, Ring, RingName, Version};
use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

const TTL: Duration = Duration::from_secs(3);
const PREFIX: &str = "/test/tickets";

#[test]
fn an_agent_takes_over_from_one_that_is_gone_and_goes_on_from_its_ring() -> Result<()> {
    let etcd = Etcd::start()?;
    let agents = Agents::new(["lb-1", "lb-2"])?;
    let first = agents.start("lb-1", &etcd)?;
    let fence = first.leads()?;
    let mut second = agents.start("lb-2", &etcd)?;
    eventually("the second one follows", || Ok(second.role() == Role::Follower { leader: Some("lb-1".to_owned()) }))?;
    let ring = Ring::begin(1, BootTime::now())?.shift(BootTime::now())?;
    first.publish(fence, &ring)?;
    assert_same(&second.receives()?, &ring);

    // Nobody hears of its end.
    let gone = Instant::now();
    first.die();
    second.leads()?;
    let vacancy = gone.elapsed();
    ensure!(vacancy < TTL + TTL, "it took {vacancy:?} to lead");
    let Role::Leader { fence: second_fence, published } = second.role() else { unreachable!("it leads") };
    assert_eq!(published, [(web(), ring.version)].into());
    ensure!(second_fence > fence, "{second_fence} {fence}");
    let higher = Ring { version: Version { term: ring.version.term + 1, epoch: 1 }, ..ring.clone() };
    second.publish(second_fence, &higher)?;

    // Who comes again gets the newest ring, and follows.
    let mut again = agents.start("lb-1", &etcd)?;
    assert_same(&again.receives()?, &higher);
    eventually("it follows", || Ok(again.role() == Role::Follower { leader: Some("lb-2".to_owned()) }))?;
    // Who goes in order is followed at once.
    let stopped = Instant::now();
    second.stop();
    again.leads()?;
    ensure!(stopped.elapsed() < TTL, "it took {:?}", stopped.elapsed());
    Ok(())
}

#[test]
fn a_leader_that_does_not_reach_etcd_stops_before_another_can_lead() -> Result<()> {
    let etcd = Etcd::start()?;
    let agents = Agents::new(["lb-1", "lb-2"])?;
    let first = agents.start("lb-1", &etcd)?;
    let fence = first.leads()?;
    let second = agents.start("lb-2", &etcd)?;
    eventually("the second one follows", || Ok(matches!(second.role(), Role::Follower { leader: Some(_) })))?;
    let paused = Instant::now();
    etcd.pause()?;
    eventually("the leader stops", || Ok(matches!(first.role(), Role::CutOff { .. })))?;
    let stopped = paused.elapsed();
    ensure!(stopped < TTL, "it led for {stopped:?} more, and the lease is {TTL:?}");
    let refused = first.publish(fence, &Ring::begin(1, BootTime::now())?);
    ensure!(matches!(refused, Err(Error::Etcd { .. })), "{refused:?}");
    eventually("the other one knows", || Ok(matches!(second.role(), Role::CutOff { .. })))?;
    std::thread::sleep(TTL);
    etcd.resume()?;
    eventually("one of them leads again", || {
        let leaders = [&first, &second].map(|member| matches!(member.role(), Role::Leader { .. }));
        ensure!(leaders != [true, true], "both lead");
        Ok(leaders.contains(&true))
    })?;
    for member in [&first, &second] {
        if let Role::Leader { fence: new, .. } = member.role() {
            ensure!(new > fence, "{new} {fence}");
        }
    }
    Ok(())
}

#[test]
fn what_a_former_leader_sends_late_or_below_what_is_published_is_refused() -> Result<()> {
    let etcd = Etcd::start()?;
    let agents = Agents::new(["lb-1", "lb-2"])?;
    let first = agents.start("lb-1", &etcd)?;
    let fence = first.leads()?;
    let ring = Ring::begin(5, BootTime::now())?;
    first.publish(fence, &ring)?;
    let lower = first.publish(fence, &Ring::begin(4, BootTime::now())?);
    ensure!(matches!(lower, Err(Error::Behind { .. })), "{lower:?}");
    // Somebody takes its right away.
    etcd.delete(&format!("{PREFIX}/leader"))?;
    let late = first.publish(fence, &Ring::begin(6, BootTime::now())?);
    ensure!(matches!(late, Err(Error::Fenced)), "{late:?}");
    let removed = first.remove(fence);
    ensure!(matches!(removed, Err(Error::Fenced)), "{removed:?}");
    let mut second = agents.start("lb-2", &etcd)?;
    assert_same(&second.receives()?, &ring);
    eventually("one of them leads", || {
        Ok([&first, &second].iter().any(|it| matches!(it.role(), Role::Leader { fence: new, .. } if new > fence)))
    })
}

#[test]
fn etcd_keeps_no_key_and_what_others_write_into_it_is_not_taken() -> Result<()> {
    let etcd = Etcd::start()?;
    let agents = Agents::new(["lb-1", "lb-2"])?;
    let first = agents.start("lb-1", &etcd)?;
    let fence = first.leads()?;
    let mut second = agents.start("lb-2", &etcd)?;
    let mut rings = vec![Ring::begin(1, BootTime::now())?];
    for _ in 0..5 {
        let ring = rings[rings.len() - 1].shift(BootTime::now())?;
        first.publish(fence, &ring)?;
        assert_same(&second.receives()?, &ring);
        rings.push(ring);
    }
    let key_of = |recipient: &str, ring: &str| format!("{PREFIX}/rings/{recipient}/{ring}");
    let own = etcd.get(&key_of("lb-2", "web"))?.context("nothing is published")?;
    let others = etcd.get(&key_of("lb-1", "web"))?.context("nothing is published")?;
    for (ring, value) in
        [("web", "{}"), ("web", &others), ("mail", &own), ("web", &"x".repeat(100_000)), ("../..", "{}")]
    {
        etcd.put(&key_of("lb-2", ring), value)?;
        std::thread::sleep(TTL / 3);
    }
    let last = rings[rings.len() - 1].shift(BootTime::now())?;
    first.publish(fence, &last)?;
    assert_same(&second.receives()?, &last);
    first.remove(fence)?;
    assert_eq!(etcd.get(&key_of("lb-2", "web"))?, None);
    let public = etcd.get(&format!("{PREFIX}/meta/web"))?.context("nothing is known of the ring")?;
    ensure!(public.contains("\"epoch\":7"), "{public}");

    let keys: Vec<_> = rings.iter().chain([&last]).flat_map(Ring::slots).map(|(_, slot)| &slot.key).collect();
    let secrets: Vec<_> = keys
        .iter()
        .flat_map(|key| [("mac", key.mac_key()), ("cipher", key.cipher_key()), ("name", key.name())])
        .collect();
    assert_eq!(Secrets::new(&secrets)?.in_files(&[etcd.folder()])?, []);
    // It would be found: what etcd was told in clear is.
    ensure!(!Secrets::new(&[("clear", &[b'x'; 1_000])])?.in_files(&[etcd.folder()])?.is_empty());
    Ok(())
}

#[test]
fn etcd_may_ask_for_certificates() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let at = |name: &str| folder.path().join(name);
    let day = Duration::from_secs(24 * 3_600);
    let name = |name: &str| name.parse::<Name>().map_err(anyhow::Error::msg);
    let server = pki::Agent { name: name("etcd")?, addresses: vec![[127, 0, 0, 1].into()] };
    pki::init_ca(&at("ca"), server, day, day)?;
    pki::enroll(&at("ca"), name("lb-1")?, &[], day, &at("lb-1"))?;
    let etcd = Etcd::start_with_tls(&at("ca/agent.pem"), &at("ca/ca.pem"))?;
    let agents = Agents::new(["lb-1", "lb-2"])?;
    let read = |name: &str| fs::read(at(name));
    let identity = Some((read("lb-1/node.pem")?, read("lb-1/node.key")?.into()));
    let known = agents.start_with_tls("lb-1", &etcd, Some(Tls { ca: read("ca/ca.pem")?, identity }))?;
    let fence = known.leads()?;
    known.publish(fence, &Ring::begin(1, BootTime::now())?)?;
    let unknown = agents.start_with_tls("lb-2", &etcd, Some(Tls { ca: read("ca/ca.pem")?, identity: None }))?;
    std::thread::sleep(TTL);
    ensure!(matches!(unknown.role(), Role::CutOff { .. }), "{:?}", unknown.role());
    Ok(())
}

/// The seal keys of some agents.
struct Agents(BTreeMap<String, SealKey>);

impl Agents {
    fn new<const N: usize>(names: [&str; N]) -> Result<Self> {
        let key = |name: &str| Ok((name.to_owned(), SealKey::random().map_err(|error| anyhow::anyhow!("{error}"))?));
        Ok(Self(names.into_iter().map(key).collect::<Result<_>>()?))
    }

    fn start(&self, name: &str, etcd: &Etcd) -> Result<Agent> {
        self.start_with_tls(name, etcd, None)
    }

    fn start_with_tls(&self, name: &str, etcd: &Etcd, tls: Option<Tls>) -> Result<Agent> {
        let peers: BTreeMap<String, PeerKey> = self.0.iter().map(|(name, key)| (name.clone(), key.public())).collect();
        let settings = Settings {
            name: name.to_owned(),
            endpoints: vec![etcd.url().to_owned()],
            prefix: PREFIX.to_owned(),
            ttl: TTL,
            seal_key: self.0[name].clone(),
            peers,
            tls,
        };
        // One of its own each: who dies takes everything along.
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let (cluster, news) = runtime.block_on(Cluster::start(settings))?;
        Ok(Agent { runtime, cluster, news })
    }
}

struct Agent {
    runtime: Runtime,
    cluster: Cluster,
    news: News,
}

impl Agent {
    fn role(&self) -> Role {
        self.news.role.borrow().clone()
    }

    /// Waits until it leads; returns the fence.
    fn leads(&self) -> Result<i64> {
        let mut fence = None;
        eventually("the agent leads", || {
            if let Role::Leader { fence: now, .. } = self.role() {
                fence = Some(now);
            }
            Ok(fence.is_some())
        })?;
        fence.context("it does not lead")
    }

    fn receives(&mut self) -> Result<Ring> {
        let received = async { tokio::time::timeout(Duration::from_secs(20), self.news.rings.recv()).await };
        let (name, ring) = self.runtime.block_on(received)?.context("nothing will come any more")?;
        assert_eq!(name, web());
        Ok(ring)
    }

    fn publish(&self, fence: i64, ring: &Ring) -> Result<(), Error> {
        self.runtime.block_on(self.cluster.publish(fence, &web(), ring))
    }

    fn remove(&self, fence: i64) -> Result<(), Error> {
        self.runtime.block_on(self.cluster.remove(fence, &web()))
    }

    fn stop(self) {
        self.runtime.block_on(self.cluster.stop());
    }

    /// Ends it in the middle of whatever it does.
    fn die(self) {
        self.runtime.shutdown_background();
    }
}

fn web() -> RingName {
    "web".to_owned().try_into().unwrap_or_else(|error| unreachable!("{error}"))
}

/// The same ring, but for the time that it was on the way.
fn assert_same(received: &Ring, sent: &Ring) {
    assert_eq!(received.version, sent.version);
    for ((_, received), (_, sent)) in received.slots().into_iter().zip(sent.slots()) {
        assert_eq!(received.key, sent.key);
        assert!(received.created.since(sent.created) + sent.created.since(received.created) < Duration::from_secs(5));
    }
}
