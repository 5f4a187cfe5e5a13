//! The agent's side: it makes the keys, decides when they are rotated, and hands them to back-ends.
//!
//! | file | what it does |
//! |---|---|
//! | `due` | when a ring is shifted |
//! | `kept`, `nodes`, `rings` | the rings, who has them, and what is done with them; free of I/O |
//! | `cluster`, `membership` | several agents that serve the same rings; this one among them |
//! | `record`, `files` | what is written down, and where |
//! | `probe`, `results` | whether sessions are resumed, tried on the back-ends |
//! | `status` | what is shown |
//! | `server` | what back-ends ask, over TLS |

pub mod cluster;
mod due;
mod files;
mod kept;
mod membership;
mod nodes;
mod probe;
mod record;
mod results;
mod rings;
mod server;
mod status;
#[cfg(test)]
mod tests;

pub use files::FileError;
pub use record::Notice;

use super::stored;
use super::{BootTime, Folder, RingName};
use crate::config::{BackendName, Config, Tickets};
use crate::control;
use crate::control::Refused;
use crate::control::types::RingStatus;
use files::Files;
use kept::Kept;
use probe::Target;
use rings::{NotRotated, Now, Part, Rings};
use std::collections::BTreeMap;
use std::future;
use std::mem;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::{mpsc, watch};
use tokio::time::{MissedTickBehavior, interval};

/// How often it is looked whether something is due.
const TICK: Duration = Duration::from_millis(100);
/// Notices that may wait for the agent: more are not told, but everything is in the audit log.
const BACKLOG: usize = 256;

/// The rings, in the hands of everybody who needs them.
#[derive(Clone)]
pub struct Keeper(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    files: Files,
    /// Tells when a ring is another.
    changed: watch::Sender<()>,
    notices: mpsc::Sender<Notice>,
}

struct State {
    rings: Rings,
    /// Back-ends that sessions are tried on.
    targets: BTreeMap<RingName, Vec<Target>>,
    /// What is kept on tmpfs, by revision.
    written: BTreeMap<RingName, u64>,
    /// The terms that are kept on disk.
    terms: BTreeMap<RingName, u64>,
    /// What could not be kept when it was tried last.
    faults: Vec<String>,
}

/// Why there is no keeper.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It cannot listen.
    #[error(transparent)]
    Listen(#[from] control::Error),
    /// What was kept on disk cannot be read.
    #[error("tickets: {0}; move the file away if its terms may be forgotten: back-ends refuse rings with lower ones")]
    Terms(FileError),
    /// A key or a certificate cannot be read.
    #[error("tickets: {0}")]
    File(#[from] FileError),
    /// It cannot meet the other agents.
    #[error("tickets: {0}")]
    Cluster(cluster::Error),
}

impl Keeper {
    /// Takes charge of the rings of `config`, and goes on with those that an agent before has left. What it has to tell comes by the
    /// receiver.
    ///
    /// # Errors
    /// When what was kept on disk cannot be read.
    pub fn open(config: &Config, tickets: &Tickets) -> Result<(Self, mpsc::Receiver<Notice>), Error> {
        let (notices, told) = mpsc::channel(BACKLOG);
        let folder = open_folder(&tickets.folder, &notices);
        let files = Files::new(&config.state_folder, folder);
        let terms = files.terms().map_err(Error::Terms)?;
        let part = if tickets.cluster.is_some() { Part::Follows(None) } else { Part::Leads };
        let rings = Rings::above(terms.clone(), part);
        let state =
            Mutex::new(State { rings, targets: BTreeMap::new(), written: BTreeMap::new(), terms, faults: Vec::new() });
        let keeper = Self(Arc::new(Shared { state, files, changed: watch::Sender::new(()), notices }));
        keeper.follow(config);
        keeper.0.files.wipe_others(|name| keeper.with(|rings, _| rings.get(name).is_some()));
        Ok((keeper, told))
    }

    /// Serves back-ends and rotates the rings, until it is dropped.
    ///
    /// # Errors
    /// When the address is not this machine's, or is taken.
    pub fn start(&self, tickets: &Tickets) -> Result<impl Future<Output = ()> + use<>, Error> {
        let settings = tickets.cluster.as_ref().map(membership::settings).transpose()?;
        let listener = server::bind(tickets)?;
        let keeper = self.clone();
        Ok(async move {
            tokio::select! {
                () = server::serve(listener, keeper.clone()) => {}
                () = keeper.keep_time() => {}
                () = probe::probe(keeper.clone()) => {}
                () = keeper.meet(settings) => {}
            }
        })
    }

    /// Keeps the rings of this configuration and no others.
    pub fn follow(&self, config: &Config) {
        self.with(|rings, now| {
            let stored = |name: &RingName| self.0.files.ring(name, now.boot);
            if let Err(error) = rings.follow(config, stored, now) {
                let message = format!("tickets: {error}: the missing rings begin when there are random bytes");
                rings.outcome.notices.push(Notice { alarming: true, message });
            }
        });
    }

    /// Tries on the back-ends of this configuration whether sessions are resumed. `marks` are those of probes by way of the VIP.
    pub fn try_sessions_of(&self, config: &Config, marks: &BTreeMap<BackendName, u32>) {
        let targets = probe::targets(config, marks);
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        for (ring, targets) in &targets {
            state.rings.results.keep(ring, |trial| probe::is_between(trial, targets));
        }
        state.targets = targets;
    }

    /// Shifts a ring before its time.
    ///
    /// # Errors
    /// When there is none of this name, or not all nodes have the next key and it is not forced.
    pub fn rotate(&self, name: &RingName, force: bool) -> Result<RingStatus, Refused> {
        self.with(|rings, now| rings.rotate(name, force, now)).map_err(|reason| refused(name, reason))?;
        self.status_of(name)
    }

    /// Replaces all keys of a ring at once.
    ///
    /// # Errors
    /// When there is none of this name, or there are no random bytes.
    pub fn revoke(&self, name: &RingName) -> Result<RingStatus, Refused> {
        self.with(|rings, now| rings.revoke(name, now)).map_err(|reason| refused(name, reason))?;
        self.status_of(name)
    }

    /// How all rings stand.
    pub fn status(&self) -> Vec<RingStatus> {
        self.with(|rings, now| rings.status(now.boot))
    }

    fn status_of(&self, name: &RingName) -> Result<RingStatus, Refused> {
        let found = self.status().into_iter().find(|ring| ring.name == *name);
        found.ok_or_else(|| refused(name, NotRotated::Unknown))
    }

    /// Meets the other agents, if there are any.
    async fn meet(&self, settings: Option<cluster::Settings>) {
        match settings {
            Some(settings) => membership::take_part(self.clone(), settings).await,
            None => future::pending().await,
        }
    }

    /// Rotates what is due, for ever.
    async fn keep_time(&self) {
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            self.with(Rings::tick);
        }
    }

    fn tell(&self, alarming: bool, message: String) {
        // If nobody reads them, the audit log has them.
        let _ = self.0.notices.try_send(Notice { alarming, message });
    }

    /// Does something with the rings. What comes of it is kept before anybody else gets at them, then written down and told.
    fn with<T>(&self, what: impl FnOnce(&mut Rings, Now) -> T) -> T {
        let now = Now::read();
        // Whoever panicked with the lock in hand has changed nothing, or one ring as a whole.
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        let done = what(&mut state.rings, now);
        let outcome = mem::take(&mut state.rings.outcome);
        let mut faults = self.0.keep(&mut state, now.boot);
        drop(state);
        faults.extend(self.0.files.write_down(&outcome.records).err().map(|error| error.to_string()));
        let faults = faults.into_iter().map(|fault| Notice { alarming: true, message: format!("tickets: {fault}") });
        for notice in outcome.notices.into_iter().chain(faults) {
            // If nobody reads them, the audit log has them.
            let _ = self.0.notices.try_send(notice);
        }
        done
    }
}

impl Shared {
    /// Keeps the rings that are others than those that were kept; returns what went wrong, unless it did so the last time.
    fn keep(&self, state: &mut State, now: BootTime) -> Vec<String> {
        let State { rings, written, terms, faults: told, .. } = state;
        let mut faults = Vec::new();
        let gone: Vec<_> = written.keys().filter(|name| rings.get(name).is_none()).cloned().collect();
        for name in gone {
            faults.extend(self.files.wipe_ring(&name).err());
            written.remove(&name);
        }
        for (name, kept) in rings.iter() {
            let Kept { ring, timing, revision, .. } = kept;
            if written.insert(name.clone(), *revision) == Some(*revision) {
                continue;
            }
            let stored = stored::Kept { ring: ring.clone(), timing: *timing, highest: Some(ring.version) };
            if let Err(fault) = self.files.keep_ring(name, &stored, now) {
                // It is tried again, and what was there must not stay: an agent that goes on from it makes the same version twice.
                faults.extend(self.files.wipe_ring(name).err().into_iter().chain([fault]));
                written.remove(name);
            }
            // Also when it could not be kept: nodes can have it.
            self.changed.send_replace(());
        }
        if rings.terms() != terms {
            terms.clone_from(rings.terms());
            faults.extend(self.files.keep_terms(terms).err().map(|error| error.to_string()));
        }
        let new = faults.iter().filter(|fault| !told.contains(fault)).cloned().collect();
        *told = faults;
        new
    }
}

impl Now {
    fn read() -> Self {
        let calendar = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        Self { boot: BootTime::now(), calendar }
    }
}

/// The folder for rings, if it can be one. Without it, rings end with the agent, and sessions with them.
fn open_folder(path: &Path, notices: &mpsc::Sender<Notice>) -> Option<Folder> {
    match Folder::open(path) {
        Ok(folder) => {
            if let Some(warning) = folder.warning() {
                let _ = notices.try_send(Notice { alarming: true, message: format!("tickets: {warning}") });
            }
            Some(folder)
        }
        Err(error) => {
            let message = format!(
                "tickets: {error}: keys are kept in memory alone, and clients' sessions end when the agent is started anew"
            );
            let _ = notices.try_send(Notice { alarming: true, message });
            None
        }
    }
}

fn refused(name: &RingName, reason: NotRotated) -> Refused {
    match reason {
        NotRotated::Follows(Some(leader)) => Refused::conflict(format!("{leader} makes the keys: ask the agent there")),
        NotRotated::Follows(None) => Refused::conflict("no agent leads at the moment: is etcd there? Ask again"),
        NotRotated::Unknown => Refused::invalid(format!(
            "there is no ring {name}: `handoff tickets rings` lists those of the configuration"
        )),
        NotRotated::TooEarly(reason) => Refused::conflict(format!("ring {name}: {reason}; wait, or say --force")),
        NotRotated::NoKey(reason) => Refused::failed(format!("ring {name}: {reason}")),
    }
}
