//! Tries again and again whether a session of one back-end is resumed on another.

use super::Keeper;
use super::record::Notice;
use super::results::Trial;
use super::rings::Now;
use crate::config::{BackendName, Config, Ports, Service, TicketRing};
use crate::control::types::ProbeOutcome;
use crate::health::{Anybody, socket};
use crate::tickets::RingName;
use futures_util::future::join_all;
use rustls::client::Resumption;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::{DnsName, ServerName};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, HandshakeKind, SupportedProtocolVersion};
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsConnector;

/// How often it is looked whether a ring is to be tried.
const TICK: Duration = Duration::from_secs(1);
/// How long a trial may take: two handshakes, and a server that is slow to hang up.
const PATIENCE: Duration = Duration::from_secs(5);
/// Pairs of back-ends that are tried together; with more back-ends, a round tries a part of them.
const PAIRS: usize = 32;

const VERSIONS: [(&str, &SupportedProtocolVersion); 2] = [("1.2", &TLS12), ("1.3", &TLS13)];

/// A back-end that sessions are tried on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    name: BackendName,
    address: SocketAddr,
    mark: Option<u32>,
    identity: DnsName<'static>,
}

/// Whether both back-ends of a trial are among those that are tried.
pub(super) fn is_between(trial: &Trial, targets: &[Target]) -> bool {
    let is_there = |backend: &String| {
        targets.iter().any(|target| target.name.service == trial.service && target.name.backend == *backend)
    };
    is_there(&trial.from) && is_there(&trial.to)
}

/// The back-ends that are tried, by ring.
pub(super) fn targets(config: &Config, marks: &BTreeMap<BackendName, u32>) -> BTreeMap<RingName, Vec<Target>> {
    let rings = config.tickets.iter().flat_map(|tickets| &tickets.rings).filter(|ring| ring.probe_interval.is_some());
    rings.map(|ring| (ring.name.clone(), targets_of(ring, config, marks))).collect()
}

fn targets_of(ring: &TicketRing, config: &Config, marks: &BTreeMap<BackendName, u32>) -> Vec<Target> {
    let nodes = ring.nodes(config);
    let services = config.services.iter().filter(|service| ring.services.contains(&service.name));
    let of_service = |service: &Service| {
        let Ports::One(port) = service.ports else { return Vec::new() };
        let backends = service.backends.iter().filter(|backend| nodes.contains(&backend.name));
        let target = |backend| {
            let name = BackendName::of(service, backend);
            let (address, mark) = (SocketAddr::new(backend.address, port), marks.get(&name).copied());
            Target { name, address, mark, identity: ring.identity.clone() }
        };
        backends.map(target).collect()
    };
    services.flat_map(of_service).collect()
}

/// Tries the sessions of all rings, each as often as it is configured.
pub(super) async fn probe(keeper: Keeper) {
    let mut rounds: BTreeMap<RingName, (usize, Duration)> = BTreeMap::new();
    loop {
        sleep(TICK).await;
        let due = keeper.with(|rings, _| {
            let waited = rings.iter().filter_map(|(name, kept)| {
                let (round, waited) = rounds.entry(name.clone()).or_default();
                *waited += TICK;
                let is_due = *waited >= kept.settings.probe_interval?;
                is_due.then(|| {
                    (*round, *waited) = (*round + 1, Duration::ZERO);
                    (name.clone(), *round)
                })
            });
            waited.collect::<Vec<_>>()
        });
        for (ring, round) in due {
            keeper.try_ring(&ring, round).await;
        }
    }
}

impl Keeper {
    fn targets(&self, ring: &RingName) -> Vec<Target> {
        let state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.targets.get(ring).cloned().unwrap_or_default()
    }

    async fn try_ring(&self, ring: &RingName, round: usize) {
        let targets = self.targets(ring);
        let trials =
            pairs(&targets, round).into_iter().flat_map(|(from, to)| VERSIONS.map(|version| (from, to, version)));
        let tried = join_all(trials.map(|(from, to, (tls, version))| async move {
            let tried = timeout(PATIENCE, resume(from, to, version)).await;
            let outcome = tried.unwrap_or_else(|_| Err("no answer in time".to_owned()));
            let Target { name: BackendName { service, backend }, .. } = from.clone();
            (Trial { service, from: backend, to: to.name.backend.clone(), tls }, outcome)
        }));
        let tried = tried.await;
        let still = self.targets(ring);
        self.with(|rings, Now { boot, .. }| {
            for (trial, outcome) in tried.into_iter().filter(|(trial, _)| is_between(trial, &still)) {
                let message = format!(
                    "tickets: ring {ring}: a session of {} is not resumed on {} (TLS {})",
                    trial.from, trial.to, trial.tls
                );
                let is_full = outcome == Ok(ProbeOutcome::Full);
                let before = rings.results.note(ring, trial, outcome, boot);
                if is_full && before != Some(Ok(ProbeOutcome::Full)) {
                    rings.outcome.notices.push(Notice { alarming: true, message });
                }
            }
        });
    }
}

/// Pairs of back-ends of one service, others in each round, until all were tried.
fn pairs(targets: &[Target], round: usize) -> Vec<(&Target, &Target)> {
    let mut services: BTreeMap<&str, Vec<&Target>> = BTreeMap::new();
    for target in targets {
        services.entry(&target.name.service).or_default().push(target);
    }
    services.values().flat_map(|targets| pairs_of(targets, round)).collect()
}

fn pairs_of<'a>(targets: &[&'a Target], round: usize) -> Vec<(&'a Target, &'a Target)> {
    let count = targets.len();
    if count < 2 {
        return Vec::new();
    }
    let (first, step) = (round * PAIRS, 1 + round % (count - 1));
    let pair = |at: usize| (targets[(first + at) % count], targets[(first + at + step) % count]);
    (0..count.min(PAIRS)).map(pair).collect()
}

/// Makes a session on one back-end and tries to resume it on another.
async fn resume(
    from: &Target,
    to: &Target,
    version: &'static SupportedProtocolVersion,
) -> Result<ProbeOutcome, String> {
    let client = Arc::new(client(version).map_err(|error| error.to_string())?);
    shake_hands(from, Arc::clone(&client)).await.map_err(|error| format!("{}: {error}", from.name.backend))?;
    match shake_hands(to, client).await.map_err(|error| format!("{}: {error}", to.name.backend))? {
        Some(HandshakeKind::Resumed) => Ok(ProbeOutcome::Resumed),
        _ => Ok(ProbeOutcome::Full),
    }
}

/// It looks at no certificate: whether back-ends show the right one is a matter of health checks.
fn client(version: &'static SupportedProtocolVersion) -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(default_provider());
    let mut client = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&[version])?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anybody(provider)))
        .with_no_client_auth();
    client.resumption = Resumption::in_memory_sessions(4);
    Ok(client)
}

async fn shake_hands(target: &Target, client: Arc<ClientConfig>) -> io::Result<Option<HandshakeKind>> {
    let stream = socket::tcp(target.address, target.mark).await?;
    let name = ServerName::DnsName(target.identity.clone());
    let mut stream = TlsConnector::from(client).connect(name, stream).await?;
    let kind = stream.get_ref().1.handshake_kind();
    // The ticket comes after the handshake (TLS 1.3): before the server hangs up, since we do.
    stream.shutdown().await?;
    let mut said = [0; 256];
    while stream.read(&mut said).await.is_ok_and(|count| count > 0) {}
    Ok(kind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn targets(service: &str, count: usize) -> Vec<Target> {
        let target = |number| Target {
            name: BackendName { service: service.to_owned(), backend: format!("b{number}") },
            address: "192.0.2.1:443".parse().unwrap(),
            mark: None,
            identity: DnsName::try_from("www.example.com").unwrap().to_owned(),
        };
        (0..count).map(target).collect()
    }

    #[test]
    fn each_pair_of_a_service_has_its_turn() {
        for count in [2, 3, 5, 40] {
            let mut all = targets("web", count);
            all.extend(targets("mail", 1));
            let mut seen = BTreeSet::new();
            for round in 0..2 * count * count {
                for (from, to) in pairs(&all, round) {
                    assert_ne!(from.name, to.name);
                    assert_eq!(from.name.service, to.name.service);
                    seen.insert((from.name.clone(), to.name.clone()));
                }
                assert!(pairs(&all, round).len() <= PAIRS);
            }
            assert_eq!(seen.len(), count * (count - 1), "{count}");
        }
    }
}
