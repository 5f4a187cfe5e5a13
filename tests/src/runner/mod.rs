//! Plays a vector against a data plane.

mod clean;
mod host;
mod kernel;

pub use kernel::Kernel;

use crate::output::{self, Choice, Delivery, Flow, TunnelTo};
use crate::vector::{Case, Expectation, Out, Resolved, Setup, Step, Tallies, verdict_name};
use crate::world::{MTU, WAN};
use anyhow::{Context, Result, ensure};
use lb_common::abi::{Address, Ticks, VerdictCounters};
use lb_common::verdict::{Answered, MAX_VERDICTS, Verdict};
use lb_user::dataplane::Dataplane;
use lb_user::state::{self, DesiredService, Load, Memory, Observed, plan};
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
    /// What the agent would know: its clock, what it was told last, what the maps say after its changes, and what planning remembers.
    now: Ticks,
    wanted: Option<Resolved>,
    observed: Observed,
    memory: Memory,
    /// Numbers of the services, by name.
    services: BTreeMap<String, u32>,
    /// Back-ends that have a slot, by name.
    backends: BTreeMap<String, Backend>,
    expected: Tallies,
    /// What the data plane chose for the flows that went into tunnels.
    choices: BTreeMap<(Flow, TunnelTo), Choice>,
}

struct Backend {
    /// Number of its service.
    service: u32,
    address: Address,
    /// The last known way to it, as the agent sees it.
    way: Option<state::Delivery>,
    delivery: Delivery,
}

impl<S: Subject> Playback<S> {
    fn new(subject: S) -> Self {
        Self {
            subject,
            now: 0,
            wanted: None,
            observed: Observed::default(),
            memory: Memory::default(),
            services: BTreeMap::new(),
            backends: BTreeMap::new(),
            expected: Tallies::of_verdicts(&[VerdictCounters::default(); MAX_VERDICTS as usize]),
            choices: BTreeMap::new(),
        }
    }

    fn step(&mut self, step: &Step) -> Result<()> {
        match step {
            Step::Packet { frame, expect, out } => self.packet(frame, expect, out.as_ref()),
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
        let load = self.load()?;
        let Some(wanted) = &self.wanted else { return Ok(()) };
        for change in plan(&wanted.desired, &self.observed, &load, &mut self.memory, self.now).complete()? {
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
        for (name, backend) in &wanted.backends {
            let Some(service) = id(&backend.service) else { continue };
            let known = self.backends.get(name).and_then(|known| known.way);
            let way = backend.desired.delivery.or(known);
            let (address, delivery) = (backend.desired.address, backend.delivery.clone());
            self.backends.insert(name.clone(), Backend { service, address, way, delivery });
        }
        let slots = observed.slots();
        self.backends.retain(|_, backend| slots.contains_key(&(backend.service, backend.address)));
        self.expected.keep(self.services.keys(), self.backends.keys());
    }

    fn packet(&mut self, frame: &[u8], expect: &Expectation, out: Option<&Out>) -> Result<()> {
        let before = self.verdicts()?;
        let mut result = frame.to_vec();
        let action = self.subject.process(&mut result)?;
        let verdict = counted_once(&before, &self.verdicts()?, frame.len() as u64)?;
        let (wanted, found) = (verdict_name(expect.verdict), verdict_name(verdict));
        ensure!(found == wanted, "{found}, expected was {wanted}");

        let (wanted, out) = match expect.verdict {
            Verdict::Forwarded(_) => self.forwarded(frame, expect, out, &result)?,
            Verdict::Answered(with, _) => (Action::Transmit, self.answer(frame, expect, with, out, &result)?),
            Verdict::Passed(_) => (Action::Pass, frame.to_vec()),
            Verdict::Dropped(..) => (Action::Drop, frame.to_vec()),
        };
        ensure!(result == out, "out came\n{}\nexpected was\n{}", hex::encode(&result), hex::encode(&out));
        ensure!(action.is_none_or(|action| action == wanted), "{action:?}, expected was {wanted:?}");
        self.expected.count(expect, frame.len() as u64);
        Ok(())
    }

    /// What there is to do, for schedulers that heed it.
    fn load(&mut self) -> Result<Load> {
        let heeds = |wanted: &Resolved| wanted.desired.services.values().any(DesiredService::heeds_load);
        if !self.wanted.as_ref().is_some_and(heeds) {
            return Ok(Load::default());
        }
        Ok(Load { live_flows: self.subject.dataplane().flows().live, ..Load::default() })
    }

    /// The frame that a packet should be answered with.
    fn answer(
        &self,
        frame: &[u8],
        expect: &Expectation,
        with: Answered,
        out: Option<&Out>,
        result: &[u8],
    ) -> Result<Vec<u8>> {
        match (out, with) {
            (Some(out), _) => out.frame(frame, &output::way_back(frame)?),
            (None, Answered::Echo) => output::echo_reply(frame),
            (None, Answered::TooBig) => output::too_big(frame, self.tunnel_mtu(expect)?, result),
        }
    }

    /// Longest packet that gets through the tunnels of a service, all of which make packets longer by the same.
    fn tunnel_mtu(&self, expect: &Expectation) -> Result<u16> {
        let id =
            expect.service.as_deref().and_then(|name| self.services.get(name)).context("too big for which service?")?;
        let tunnels = self.backends.values().filter(|backend| backend.service == *id);
        let mut overheads = tunnels.filter_map(|backend| Some(backend.delivery.tunnel.as_ref()?.overhead()));
        let overhead = overheads.next().context("the service has no tunnel")?;
        ensure!(overheads.all(|other| other == overhead), "the service's tunnels differ: say which frame comes out");
        Ok(MTU - overhead)
    }

    /// What should be done with a forwarded packet, and the frame that should come out.
    fn forwarded(
        &mut self,
        frame: &[u8],
        expect: &Expectation,
        out: Option<&Out>,
        result: &[u8],
    ) -> Result<(Action, Vec<u8>)> {
        let name = expect.backend.as_deref().context("a forwarded packet has a back-end")?;
        let backend = self.backends.get(name).with_context(|| format!("there is no back-end {name} at this step"))?;
        let state::Delivery { ifindex, mac, source_mac, .. } =
            backend.way.with_context(|| format!("{name} has never been reachable"))?;
        let action = if ifindex == WAN.ifindex { Action::Transmit } else { Action::Redirect };
        let link = backend.delivery.link(frame, source_mac, mac)?;
        let frame = match (out, &backend.delivery.tunnel) {
            (Some(out), _) => out.frame(frame, &link)?,
            (None, None) => output::handed_off(frame, &link)?,
            (None, Some(tunnel)) => {
                let choice = tunnel.choice(result).with_context(|| format!("out came {}", hex::encode(result)))?;
                let earlier =
                    output::flow(frame).map(|flow| *self.choices.entry((flow, tunnel.clone())).or_insert(choice));
                ensure!(earlier.is_none_or(|earlier| earlier == choice), "{choice:?}, for its flow it was {earlier:?}");
                tunnel.wrapped(frame, &link, choice)?
            }
        };
        Ok((action, frame))
    }

    fn verdicts(&mut self) -> Result<[VerdictCounters; MAX_VERDICTS as usize]> {
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
fn counted_once(before: &[VerdictCounters], after: &[VerdictCounters], bytes: u64) -> Result<Verdict> {
    let risen: Vec<u32> = (0..).zip(before.iter().zip(after)).filter(|(_, (b, a))| b != a).map(|(n, _)| n).collect();
    let [number] = risen[..] else { anyhow::bail!("the packet was counted under {} verdicts", risen.len()) };
    let (before, after) = (before[number as usize], after[number as usize]);
    let mut once = before;
    once.count(bytes);
    ensure!(
        after == once && after.packets() == before.packets() + 1,
        "a packet of {bytes} bytes was counted from {before:?} to {after:?}"
    );
    Verdict::all()
        .find(|verdict| verdict.number() == number)
        .with_context(|| format!("the packet was counted under verdict {number}, which has no name"))
}
