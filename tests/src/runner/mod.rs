//! Plays a vector against a data plane.

mod host;
mod kernel;

pub use kernel::Kernel;

use crate::vector::{Case, Expectation, Resolved, Setup, Step, Tallies, verdict_name};
use crate::world::WAN;
use anyhow::{Context, Result, ensure};
use lb_common::abi::{Address, Tally, Ticks};
use lb_common::verdict::{MAX_VERDICTS, Verdict};
use lb_user::dataplane::Dataplane;
use lb_user::state::{NextHop, Observed, RingSpace, plan};
use std::collections::BTreeMap;

/// A data plane under test.
pub trait Subject {
    /// What the agent sees of it.
    type Dataplane: Dataplane;

    /// What the agent sees of it.
    fn dataplane(&mut self) -> &mut Self::Dataplane;

    /// Lets a frame come in by [`WAN`], and changes it to what goes out. Returns where to, if it is known.
    ///
    /// # Errors
    /// When the frame could not be given to it.
    fn process(&mut self, frame: &mut Vec<u8>) -> Result<Option<Action>>;

    /// Lets time pass.
    ///
    /// # Errors
    /// When it could not be made to.
    fn pass_time(&mut self, ticks: Ticks) -> Result<()>;
}

/// What an XDP program tells the driver to do with a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Send it back out of the interface that it came in by.
    Transmit,
    /// Send it out of another interface.
    Redirect,
    /// Give it to the network stack.
    Pass,
    /// Discard it.
    Drop,
}

/// Plays `case` against `subject`, whose maps are new.
///
/// # Errors
/// At the first difference from what the case expects.
pub fn run(case: &Case, subject: impl Subject) -> Result<()> {
    let mut playback = Playback::new(subject);
    if let Some(setup) = &case.setup {
        playback.set_up(setup).context("setup")?;
    }
    for (number, step) in (1..).zip(&case.steps) {
        playback.step(step).with_context(|| format!("step {number}"))?;
    }
    let observed = playback.subject.dataplane().observe()?;
    ensure!(observed == playback.observed, "the maps say\n{observed:?}\nexpected was\n{:?}", playback.observed);
    let counted = playback.counted()?;
    counted.check(&case.counters).context("counters at the end, as the case states them")?;
    counted.check(&playback.expected).context("counters at the end, as they follow from the steps")
}

struct Playback<S> {
    subject: S,
    /// What the agent would know: its clock, what it was told last, what the maps say after its changes, and which rings rest.
    now: Ticks,
    wanted: Option<Resolved>,
    observed: Observed,
    rings: RingSpace,
    /// Numbers of the services, by name.
    services: BTreeMap<String, u32>,
    /// Back-ends that have a slot, by name.
    backends: BTreeMap<String, Backend>,
    expected: Tallies,
}

struct Backend {
    /// Number of its service.
    service: u32,
    address: Address,
    /// The last known way to it.
    next_hop: Option<NextHop>,
}

impl<S: Subject> Playback<S> {
    fn new(subject: S) -> Self {
        Self {
            subject,
            now: 0,
            wanted: None,
            observed: Observed::default(),
            rings: RingSpace::default(),
            services: BTreeMap::new(),
            backends: BTreeMap::new(),
            expected: Tallies::of_verdicts(&[Tally::default(); MAX_VERDICTS as usize]),
        }
    }

    fn step(&mut self, step: &Step) -> Result<()> {
        match step {
            Step::Packet { frame, expect, out } => self.packet(frame, expect, out.as_deref()),
            Step::Wait(ticks) => {
                self.subject.pass_time(*ticks)?;
                self.now += ticks;
                self.reconcile()
            }
            Step::Setup(setup) => self.set_up(setup),
        }
    }

    fn set_up(&mut self, setup: &Setup) -> Result<()> {
        self.wanted = Some(setup.resolve()?);
        self.reconcile()
    }

    /// Brings the maps to what the agent was told, as the agent does.
    fn reconcile(&mut self) -> Result<()> {
        let Some(wanted) = &self.wanted else { return Ok(()) };
        for change in plan(&wanted.desired, &self.observed, &mut self.rings, self.now)? {
            self.subject.dataplane().apply(&change)?;
            self.observed.follow(&change);
        }
        self.survey();
        Ok(())
    }

    /// Looks up what is where. Counters of what is gone are gone too.
    fn survey(&mut self) {
        let Some(wanted) = &self.wanted else { return };
        let observed = &self.observed;
        let id = |key| observed.services.get(key).map(|service| service.service.id);
        self.services = wanted.services.iter().filter_map(|(name, key)| Some((name.clone(), id(key)?))).collect();
        for (name, (key, backend)) in &wanted.backends {
            let Some(service) = id(key) else { continue };
            let known = self.backends.get(name).and_then(|known| known.next_hop);
            let next_hop = backend.next_hop.or(known);
            self.backends.insert(name.clone(), Backend { service, address: backend.address, next_hop });
        }
        let slots = observed.slots();
        self.backends.retain(|_, backend| slots.contains_key(&(backend.service, backend.address)));
        self.expected.keep(self.services.keys(), self.backends.keys());
    }

    fn packet(&mut self, frame: &[u8], expect: &Expectation, out: Option<&[u8]>) -> Result<()> {
        let before = self.verdicts()?;
        let mut result = frame.to_vec();
        let action = self.subject.process(&mut result)?;
        let verdict = counted_once(&before, &self.verdicts()?, frame.len() as u64)?;
        let (wanted, found) = (verdict_name(expect.verdict()), verdict_name(verdict));
        ensure!(found == wanted, "{found}, expected was {wanted}");

        let next_hop = self.next_hop(expect)?;
        let out = out.map_or_else(|| handed_off(frame, next_hop), <[u8]>::to_vec);
        ensure!(result == out, "out came\n{}\nexpected was\n{}", hex::encode(&result), hex::encode(&out));
        let wanted = wanted_action(expect, next_hop);
        ensure!(action.is_none_or(|action| action == wanted), "{action:?}, expected was {wanted:?}");
        self.expected.count(expect, frame.len() as u64);
        Ok(())
    }

    /// The way to the back-end that a packet should go to.
    fn next_hop(&self, expect: &Expectation) -> Result<Option<NextHop>> {
        let Expectation::Forwarded { backend: name, .. } = expect else { return Ok(None) };
        let backend = self.backends.get(name).with_context(|| format!("there is no back-end {name} at this step"))?;
        Ok(Some(backend.next_hop.with_context(|| format!("{name} has never been reachable"))?))
    }

    fn verdicts(&mut self) -> Result<[Tally; MAX_VERDICTS as usize]> {
        Ok(self.subject.dataplane().counters(&[], &[])?.verdicts)
    }

    /// The counters of everything that has a name.
    fn counted(&mut self) -> Result<Tallies> {
        let used = self.observed.slots();
        let slot = |backend: &Backend| used.get(&(backend.service, backend.address)).copied();
        let slots: BTreeMap<&str, u16> =
            self.backends.iter().filter_map(|(name, backend)| Some((name.as_str(), slot(backend)?))).collect();
        let ids: Vec<u32> = self.services.values().copied().collect();
        let counters = self.subject.dataplane().counters(&ids, &slots.values().copied().collect::<Vec<_>>())?;
        let mut tallies = Tallies::of_verdicts(&counters.verdicts);
        for (name, id) in &self.services {
            tallies.services.insert(name.clone(), counters.services[id].into());
        }
        for (name, slot) in slots {
            tallies.backends.insert(name.to_owned(), counters.backends[&slot].into());
        }
        Ok(tallies)
    }
}

/// The verdict that a packet of `bytes` bytes was counted under, by the tallies before and after it.
fn counted_once(before: &[Tally], after: &[Tally], bytes: u64) -> Result<Verdict> {
    let risen: Vec<u32> = (0..).zip(before.iter().zip(after)).filter(|(_, (b, a))| b != a).map(|(n, _)| n).collect();
    let [number] = risen[..] else { anyhow::bail!("the packet was counted under {} verdicts", risen.len()) };
    let (before, after) = (before[number as usize], after[number as usize]);
    let once = Tally { packets: before.packets + 1, bytes: before.bytes + bytes };
    ensure!(after == once, "a packet of {bytes} bytes was counted from {before:?} to {after:?}");
    Verdict::all()
        .find(|verdict| verdict.number() == number)
        .with_context(|| format!("the packet was counted under verdict {number}, which has no name"))
}

/// The frame with the Ethernet addresses that lead to a back-end, or as it is.
fn handed_off(frame: &[u8], next_hop: Option<NextHop>) -> Vec<u8> {
    match next_hop {
        Some(NextHop { mac, source_mac, .. }) => [&mac.octets()[..], &source_mac.octets(), &frame[12..]].concat(),
        None => frame.to_vec(),
    }
}

fn wanted_action(expect: &Expectation, next_hop: Option<NextHop>) -> Action {
    match expect {
        Expectation::Forwarded { .. } if next_hop.is_some_and(|hop| hop.ifindex != WAN.ifindex) => Action::Redirect,
        Expectation::Forwarded { .. } => Action::Transmit,
        Expectation::Passed(_) => Action::Pass,
        Expectation::Dropped { .. } => Action::Drop,
    }
}
