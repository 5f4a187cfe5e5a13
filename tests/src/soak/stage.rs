//! What the soak is about: an agent, its back-ends, what they are told, and what all threads know together.

use super::clients::PORT;
use super::ledger::{Failure, Kind, Ledger};
use crate::scene::{ON_ETH0, Responder, Scene, TicketCluster, configuration, eventually, other_release, program, wait};
use anyhow::{Context, Result, ensure};
use lb_user::control::Client;
use lb_user::lab::{Agent, Node};
use std::fs::{self, Permissions};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Back-ends.
pub(super) const SERVERS: u8 = 3;

/// What makes a program believe in another time, where distributions have it.
const FAKE_TIME: [&str; 4] = [
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1",
    "/usr/lib64/faketime/libfaketime.so.1",
    "/usr/lib/faketime/libfaketime.so.1",
];

/// What all threads know.
pub(super) struct Shared<'a> {
    start: Instant,
    /// Whoever makes packets, or something happen, goes through; an audit closes it.
    gate: RwLock<()>,
    over: AtomicBool,
    pub(super) ledger: Mutex<Ledger>,
    /// Failures whose back-end may not be known yet, and the sockets that keep their ports from others until it is.
    pub(super) pending: Mutex<Vec<(Failure, Option<OwnedFd>)>>,
    problems: Mutex<Vec<String>>,
    /// How often the balancer's link came up.
    pub(super) links_up: AtomicU64,
    /// How many ports clients have taken.
    ports: AtomicU64,
    tell: &'a (dyn Fn(&str) + Sync),
}

impl<'a> Shared<'a> {
    pub(super) fn new(tell: &'a (dyn Fn(&str) + Sync)) -> Self {
        Self {
            start: Instant::now(),
            gate: RwLock::default(),
            over: AtomicBool::new(false),
            ledger: Mutex::default(),
            pending: Mutex::default(),
            problems: Mutex::default(),
            links_up: AtomicU64::new(0),
            ports: AtomicU64::new(0),
            tell,
        }
    }

    /// Time since the start.
    pub(super) fn now(&self) -> Duration {
        self.start.elapsed()
    }

    pub(super) fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    pub(super) fn end(&self) {
        self.over.store(true, Ordering::Relaxed);
    }

    pub(super) fn gate(&self) -> RwLockReadGuard<'_, ()> {
        self.gate.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until nobody is on the way, and lets nobody go.
    pub(super) fn close(&self) -> RwLockWriteGuard<'_, ()> {
        self.gate.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn tell(&self, what: &str) {
        (self.tell)(&format!("{:7.1} s  {what}", self.now().as_secs_f64()));
    }

    /// Something that must not be.
    pub(super) fn problem(&self, what: String) {
        self.tell(&format!("PROBLEM: {what}"));
        lock(&self.problems).push(what);
    }

    pub(super) fn problems(&self) -> Vec<String> {
        lock(&self.problems).clone()
    }

    /// A port for a client's next connection or datagram: it comes back minutes later only, so that what the balancer remembers of it is of
    /// that client.
    pub(super) fn next_port(&self) -> u16 {
        const FIRST: u16 = 1024;
        let number = self.ports.fetch_add(1, Ordering::Relaxed) % u64::from(u16::MAX - FIRST + 1);
        FIRST + number as u16
    }

    pub(super) fn answered(&self, kind: Kind, server: String, resumed: bool) {
        let mut ledger = lock(&self.ledger);
        ledger.answered(kind, server);
        ledger.resumed += u64::from(resumed);
    }

    pub(super) fn failed(&self, failure: Failure, socket: Option<OwnedFd>) {
        lock(&self.pending).push((failure, socket));
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the configuration says at present.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settings {
    pub(super) scheduler: &'static str,
    /// A back-end that it leaves out.
    pub(super) without: Option<u8>,
}

/// Which of two releases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Release {
    Own,
    Other,
}

/// All that is there.
pub(super) struct Stage {
    /// Is dropped before the network that it is in.
    agent: Mutex<Option<Agent>>,
    /// Number of its process.
    process: AtomicU32,
    /// Odd while the agent cannot answer; greater each time.
    turns: AtomicU64,
    release: Mutex<Release>,
    pub(super) settings: Mutex<Settings>,
    /// What back-ends run besides their TLS servers.
    responders: Mutex<Vec<Option<[Responder; 2]>>>,
    cluster: TicketCluster,
}

impl Stage {
    /// Sets everything up, and waits until every back-end gets new flows.
    pub(super) fn set(name: &str) -> Result<Self> {
        let mut cluster = TicketCluster::start_rustls(name, SERVERS, "rotation = \"10m\"\nguard = \"0s\"")?;
        // Its flow table has another size.
        let first = cluster.take_agent().context("the cluster has an agent")?;
        ensure!(cluster.scene().purge()?.code == Some(0), "the first agent does not end");
        drop(first);
        let stage = Self {
            agent: Mutex::default(),
            process: AtomicU32::new(0),
            turns: AtomicU64::new(1),
            release: Mutex::new(Release::Own),
            settings: Mutex::new(Settings { scheduler: "weighted-round-robin", without: None }),
            responders: Mutex::new((0..SERVERS).map(|_| None).collect()),
            cluster,
        };
        for server in 1..=SERVERS {
            stage.start_server(server)?;
        }
        stage.turn_clock(0)?;
        let folder = stage.folder();
        write_launcher(&folder, Release::Own, &program())?;
        write_launcher(&folder, Release::Other, &other_release(&folder)?)?;
        let settings = *lock(&stage.settings);
        fs::write(stage.scene().site().config_file(), stage.configuration(settings)?)?;
        stage.start_agent()?;
        let ready = || {
            let status = wait(stage.control().status())?;
            Ok(status.is_ok_and(|status| status.ready == status.backends))
        };
        eventually("every back-end is ready", ready)?;
        Ok(stage)
    }

    pub(super) fn scene(&self) -> &Scene {
        self.cluster.scene()
    }

    pub(super) fn cluster(&self) -> &TicketCluster {
        &self.cluster
    }

    pub(super) fn folder(&self) -> PathBuf {
        self.scene().site().run_folder()
    }

    pub(super) fn control(&self) -> Client {
        Client::new(self.scene().site().control_socket())
    }

    /// Number of the agent's process; 0 while there is none.
    pub(super) fn process(&self) -> u32 {
        self.process.load(Ordering::Relaxed)
    }

    /// The processes of a back-end are there again.
    pub(super) fn start_server(&self, server: u8) -> Result<()> {
        let (namespace, name) = (self.scene().namespace(Node::Server(server)), format!("server-{server}"));
        let tcp = Responder::exchanging(&namespace, PORT, &name)?;
        let udp = Responder::echoing(&namespace, (lb_user::lab::topology::VIP, PORT).into(), &name)?;
        lock(&self.responders)[usize::from(server) - 1] = Some([tcp, udp]);
        Ok(())
    }

    /// The processes of a back-end end.
    pub(super) fn end_server(&self, server: u8) {
        lock(&self.responders)[usize::from(server) - 1] = None;
    }

    /// The wall clock of the agent is off by so many seconds.
    pub(super) fn turn_clock(&self, seconds: i64) -> Result<()> {
        let file = clock(&self.folder());
        // All at once: it is read at any time.
        let new = file.with_extension("new");
        fs::write(&new, format!("{seconds:+}\n"))?;
        Ok(fs::rename(new, file)?)
    }

    /// What the agent is told.
    pub(super) fn configuration(&self, settings: Settings) -> Result<String> {
        let Settings { scheduler, without } = settings;
        let backends: String = (1..=SERVERS)
            .filter(|&server| Some(server) != without)
            .map(|server| format!("{{ name = \"server-{server}\", address = \"198.18.1.{server}\" }}, "))
            .collect();
        let service = |name: &str, protocol: &str, port: u16, more: &str| {
            format!(
                "[[service]]\nname = \"{name}\"\nvip = \"{}\"\nport = {port}\nprotocol = \"{protocol}\"\n\
                 scheduler = \"{scheduler}\"\nhealth = {{ type = \"tcp\", port = {port} }}\n{more}backends = [{backends}]\n",
                lb_user::lab::topology::VIP,
            )
        };
        let services = service("web", "tcp", 443, "")
            + &service("files", "tcp", PORT, "flood-above = 2000\n")
            + &service("names", "udp", PORT, "");
        let services = format!("[flow-table]\nflows = 65536\n{services}{}", self.cluster.tickets("")?);
        Ok(configuration(self.scene().site(), ON_ETH0, &services))
    }

    /// Has the agent follow other settings; they hold once it does.
    pub(super) fn change(&self, change: impl FnOnce(&mut Settings)) -> Result<()> {
        let mut settings = lock(&self.settings);
        change(&mut settings);
        self.apply(*settings)
    }

    /// Has the agent follow these settings, once.
    pub(super) fn apply(&self, settings: Settings) -> Result<()> {
        let file = self.folder().join("next.toml");
        fs::write(&file, self.configuration(settings)?)?;
        self.ask(&format!("apply --force {}", file.display()))
    }

    /// Runs `handoff` with the words of `command`; again, if the agent could not answer meanwhile.
    pub(super) fn ask(&self, command: &str) -> Result<()> {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let turn = self.turns.load(Ordering::Relaxed);
            let outcome = self.scene().ask(command)?;
            if outcome.code == Some(0) {
                return Ok(());
            }
            let was_there = turn.is_multiple_of(2) && self.turns.load(Ordering::Relaxed) == turn;
            ensure!(!was_there && Instant::now() < deadline, "handoff {command}: {outcome:?}");
            sleep(Duration::from_millis(100));
        }
    }

    /// Starts the agent of the present release, with its own file as it is, and waits until it answers.
    fn start_agent(&self) -> Result<()> {
        let site = self.scene().site();
        let text = fs::read_to_string(site.config_file())?;
        let launcher = launcher(&self.folder(), *lock(&self.release));
        let mut agent = Agent::start_with(&text, site, &launcher)?;
        eventually("the agent answers", || {
            ensure!(agent.is_running()?, "the agent was killed");
            Ok(wait(self.control().status())?.is_ok())
        })?;
        // Only from now on something happens to its process: an agent that gets no memory to begin with would not begin.
        self.process.store(agent.id(), Ordering::Relaxed);
        *lock(&self.agent) = Some(agent);
        self.turns.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// Ends the agent by `end`, and starts it again, perhaps as the other release, after `gone`.
    pub(super) fn replace_agent(
        &self,
        gone: Duration,
        other: bool,
        end: impl FnOnce(Agent) -> Result<()>,
    ) -> Result<()> {
        self.turns.fetch_add(1, Ordering::Relaxed);
        let mut agent = lock(&self.agent).take().context("there is an agent")?;
        ensure!(agent.is_running()?, "the agent was killed by somebody else");
        self.process.store(0, Ordering::Relaxed);
        end(agent)?;
        if other {
            let mut release = lock(&self.release);
            *release = if *release == Release::Own { Release::Other } else { Release::Own };
        }
        sleep(gone);
        self.start_agent()
    }

    /// Does something during which the agent cannot answer.
    pub(super) fn without_answers<T>(&self, work: impl FnOnce() -> T) -> T {
        self.turns.fetch_add(1, Ordering::Relaxed);
        let done = work();
        self.turns.fetch_add(1, Ordering::Relaxed);
        done
    }
}

fn clock(folder: &Path) -> PathBuf {
    folder.join("clock")
}

fn launcher(folder: &Path, release: Release) -> PathBuf {
    folder.join(format!("launch-{release:?}"))
}

/// Writes what starts the agent of a release with a wall clock of its own: the machine's must stay as it is.
fn write_launcher(folder: &Path, release: Release, program: &Path) -> Result<()> {
    let library = FAKE_TIME.into_iter().find(|path| Path::new(path).exists());
    let library = library.context("libfaketime is missing: `cargo xtask setup` gets it")?;
    let program = fs::canonicalize(program).with_context(|| program.display().to_string())?;
    let text = format!(
        "#!/bin/sh\nexport LD_PRELOAD={library} FAKETIME_TIMESTAMP_FILE={} FAKETIME_CACHE_DURATION=1\n\
         export FAKETIME_DONT_FAKE_MONOTONIC=1 NO_FAKE_STAT=1\nexec {} \"$@\"\n",
        clock(folder).display(),
        program.display()
    );
    let path = launcher(folder, release);
    fs::write(&path, text)?;
    Ok(fs::set_permissions(path, Permissions::from_mode(0o755))?)
}
