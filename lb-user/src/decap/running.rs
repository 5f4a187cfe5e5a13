use super::host::{Host, Interfaces, Link};
use super::lock::Lock;
use super::record::Record;
use super::settings::Settings;
use super::sources::prefixes;
use super::{Attached, Change, Error, Event, Options, Tunnels, plan};
use crate::agent::rights;
use crate::agent::signals::Signals;
use crate::bpf::Decapsulator;
use crate::control::types::VerdictCounter;
use caps::Capability;
use lb_common::abi::Address;
use lb_common::decap::{self, Verdict};
use std::collections::BTreeSet;
use std::future::pending;
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};
use tracing::{error, warn};

/// To give the host the VIPs' addresses.
const FOR_ADDRESSES: [Capability; 1] = [Capability::CAP_NET_ADMIN];
/// To have a program take packets out of tunnels as well.
const FOR_TUNNELS: [Capability; 3] = [Capability::CAP_NET_ADMIN, Capability::CAP_PERFMON, Capability::CAP_BPF];

/// Sets the back-end up, and undoes it when the process is told to end.
///
/// # Errors
/// When it cannot be set up, an interface goes away, or something cannot be undone. Whatever can be undone is.
pub async fn run(options: &Options, mut tell: impl FnMut(Event)) -> Result<(), Error> {
    // From here on a signal waits until it can be heeded: it never cuts a change in two.
    let signals = Signals::catch().map_err(Error::Signals)?;
    let asked = signal(SignalKind::user_defined1()).map_err(Error::Signals)?;
    check_rights(if options.tunnels.is_some() { &FOR_TUNNELS } else { &FOR_ADDRESSES })?;
    let host = Host::connect()?;
    let arrival = plan::arrival(options, &host.look().await?)?;

    let _lock = Lock::take(&options.run_folder)?;
    let record = Record::within(&options.run_folder);
    let leftovers = undo_recorded(&record, &host).await?;
    if !leftovers.is_empty() {
        tell(Event::CleanedUp { changes: leftovers });
    }
    let program = options.tunnels.as_ref().map(|tunnels| load(tunnels, &options.vips)).transpose()?;
    let changes = plan::changes(options, &arrival, &host.look().await?, &Settings::look()?)?;
    record.write(&changes)?;
    let mut backend = Backend { options, arrival, host, program };
    let served = match backend.set_up(&changes).await {
        Ok(attached) => {
            tell(Event::Ready { changes, attached });
            backend.serve(signals, asked, &mut tell).await
        }
        Err(error) => Err(error),
    };
    // The program goes first: no packet comes out of a tunnel that would be for nobody.
    let Backend { host, program, .. } = backend;
    drop(program);
    match (served, undo_recorded(&record, &host).await) {
        (Ok(()), Ok(changes)) => tell(Event::Undone { changes }),
        (Ok(()), Err(left)) => return Err(left),
        (Err(error), Ok(_)) => return Err(error),
        (Err(error), Err(left)) => {
            error!(%left);
            return Err(error);
        }
    }
    Ok(())
}

/// Undoes what a run that was killed has left; returns what that was.
///
/// # Errors
/// When such a run is alive, or something cannot be undone.
pub async fn undo(run_folder: &Path) -> Result<Vec<Change>, Error> {
    check_rights(&FOR_ADDRESSES)?;
    let _lock = Lock::take(run_folder)?;
    undo_recorded(&Record::within(run_folder), &Host::connect()?).await
}

fn check_rights(needed: &[Capability]) -> Result<(), Error> {
    rights::lacking(needed).map_or(Ok(()), |missing| Err(Error::Rights { missing }))
}

/// Undoes what is recorded, the last change first; returns what was undone. What resists stays recorded.
async fn undo_recorded(record: &Record, host: &Host) -> Result<Vec<Change>, Error> {
    let (mut undone, mut left) = (Vec::new(), Vec::new());
    for change in record.read()?.into_iter().rev() {
        match change.undo(host).await {
            Ok(()) => undone.push(change),
            Err(error) => left.push((change, error)),
        }
    }
    let in_order: Vec<Change> = left.iter().rev().map(|(change, _)| change.clone()).collect();
    record.write(&in_order)?;
    if left.is_empty() { Ok(undone) } else { Err(Error::Undo { left }) }
}

fn load(tunnels: &Tunnels, vips: &[IpAddr]) -> Result<Decapsulator, Error> {
    let vips: Vec<Address> = vips.iter().copied().map(Address::from).collect();
    // No bits at all are what every address begins with, of either family.
    let anywhere = [(Address::UNSPECIFIED, 0)];
    let sources: Vec<(Address, u8)> = tunnels.sources.iter().flat_map(prefixes).collect();
    let sources = if sources.is_empty() { &anywhere[..] } else { &sources };
    Ok(Decapsulator::load(decap::Settings::new(tunnels.gue_port), &vips, sources)?)
}

/// A back-end on its way from start to end.
struct Backend<'a> {
    options: &'a Options,
    /// The interfaces that packets for the VIPs arrive by.
    arrival: Vec<Link>,
    host: Host,
    program: Option<Decapsulator>,
}

impl Backend<'_> {
    /// Makes the changes, and attaches the program if there is one.
    async fn set_up(&mut self, changes: &[Change]) -> Result<Vec<Attached>, Error> {
        for change in changes {
            change.make(&self.host).await?;
        }
        self.follow().await?;
        let mut attached = Vec::new();
        if let (Some(program), Some(tunnels)) = (&mut self.program, &self.options.tunnels) {
            for link in &self.arrival {
                let mode = program.attach(&link.name, link.index, tunnels.xdp_mode)?;
                attached.push(Attached { interface: link.name.clone(), mode });
            }
        }
        Ok(attached)
    }

    /// Follows the host's addresses and tells the counters, until the process is told to end.
    async fn serve(
        &mut self,
        mut signals: Signals,
        mut asked: Signal,
        tell: &mut impl FnMut(Event),
    ) -> Result<(), Error> {
        let mut statistics = self.options.statistics.map(ticks);
        loop {
            tokio::select! {
                changed = self.host.changed() => {
                    changed?;
                    match self.follow().await {
                        Err(error @ Error::Netlink { .. }) => warn!(%error, "going on with the addresses that were known"),
                        followed => followed?,
                    }
                }
                () = tick(&mut statistics) => self.tell_counters(tell)?,
                _ = asked.recv() => self.tell_counters(tell)?,
                _ = signals.received() => return self.tell_counters(tell),
            }
        }
    }

    /// Lets tunnels end at the addresses that the host has now.
    async fn follow(&mut self) -> Result<(), Error> {
        let Some(program) = &mut self.program else { return Ok(()) };
        let interfaces = self.host.look().await?;
        if let Some(gone) = self.arrival.iter().find(|link| !interfaces.links.contains_key(&link.index)) {
            return Err(Error::Gone { interface: gone.name.clone() });
        }
        Ok(program.set_addresses(&tunnel_ends(&interfaces, &self.options.vips))?)
    }

    fn tell_counters(&self, tell: &mut impl FnMut(Event)) -> Result<(), Error> {
        let Some(program) = &self.program else { return Ok(()) };
        let counted = program.counters()?;
        let counters = Verdict::all()
            .map(|verdict| VerdictCounter::new(verdict.action(), verdict.name(), &counted[verdict.number() as usize]));
        tell(Event::Counters { counters: counters.collect() });
        Ok(())
    }
}

/// Where tunnels may end: at every address of the host that another host can reach, but for the VIPs, at which clients could begin tunnels.
fn tunnel_ends(interfaces: &Interfaces, vips: &[IpAddr]) -> BTreeSet<Address> {
    let own = interfaces.addresses.iter().map(|own| own.address);
    own.filter(|own| !own.is_loopback() && !vips.contains(own)).map(Address::from).collect()
}

fn ticks(period: Duration) -> Interval {
    let mut ticks = interval_at(Instant::now() + period, period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

/// Waits for the next tick; without ticks, for ever.
async fn tick(ticks: &mut Option<Interval>) {
    match ticks {
        Some(ticks) => drop(ticks.tick().await),
        None => pending().await,
    }
}
