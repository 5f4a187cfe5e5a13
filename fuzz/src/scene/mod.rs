//! A balancer with everything switched on, and what must hold of what comes out.

mod answer;

use anyhow::{Context, Result, bail, ensure};
use etherparse::SlicedPacket;
use lb_common::abi::Ticks;
use lb_common::datapath::Outcome;
use lb_common::verdict::{Answered, Forwarded, Verdict};
use lb_tests::output::handed_off;
use lb_tests::packet::Carried;
use lb_tests::vector::{ResolvedBackend, Setup};
use lb_user::dataplane::Dataplane;
use lb_user::dataplane::memory::MemoryDataplane;
use lb_user::state::{Load, Memory, plan};
use std::collections::{BTreeMap, BTreeSet};

/// So few that flows meet in them.
const BUCKETS: usize = 4;

/// A balancer as the agent has set it up, in the network of the packet vectors.
pub struct Scene {
    balancer: MemoryDataplane,
    backends: BTreeMap<u16, ResolvedBackend>,
}

impl Scene {
    /// Every scheduler, every form of forwarding and every limit, in both families.
    pub fn of_everything() -> Self {
        Self::of(include_str!("everything.toml"))
    }

    /// Every tunnel, and all ports through them.
    pub fn of_tunnels() -> Self {
        Self::of(include_str!("tunnels.toml"))
    }

    fn of(setup: &str) -> Self {
        let setup: Setup = toml::from_str(setup).expect("a setup");
        let resolved = setup.resolve().expect("a configuration");
        let mut balancer = MemoryDataplane::new(BUCKETS);
        let Ok(before) = balancer.observe();
        for change in
            plan(&resolved.desired, &before, &Load::default(), &mut Memory::default(), 0).complete().expect("room")
        {
            let Ok(()) = balancer.apply(&change);
        }
        let Ok(observed) = balancer.observe();
        let slots = observed.slots();
        let backends = resolved.backends.into_values().filter_map(|backend| {
            let service = observed.services.get(&backend.service)?.service.id;
            Some((*slots.get(&(service, backend.desired.address))?, backend))
        });
        Self { backends: backends.collect(), balancer }
    }

    /// Makes the next packet the first one: what an input does must not depend on those before it.
    pub fn begin(&mut self) {
        self.balancer.forget_traffic();
    }

    /// What becomes of a packet that comes in after some time, and the frame that comes out.
    pub fn run(&self, wait: Ticks, received: &[u8]) -> (Outcome, Vec<u8>) {
        self.balancer.wait(wait);
        let mut frame = received.to_vec();
        (self.balancer.run(&mut frame), frame)
    }

    /// Whether `sent` is what must come out when the balancer makes `outcome` of `received`.
    ///
    /// # Errors
    /// When it is something else.
    pub fn judge(&self, received: &[u8], outcome: Outcome, sent: &[u8]) -> Result<()> {
        let expected = match (outcome.verdict, outcome.to) {
            (Verdict::Forwarded(how), Some((slot, ifindex))) => {
                ensure_possible(received, how)?;
                self.forwarded(received, slot, ifindex, sent)?
            }
            (Verdict::Answered(Answered::Echo, _), None) => return answer::judge_echo(received, sent),
            (Verdict::Answered(Answered::TooBig, _), None) => {
                return answer::judge_too_big(received, &self.mtus(), sent);
            }
            (Verdict::Passed(_) | Verdict::Dropped(..), None) => received.to_vec(),
            _ => bail!("{outcome:?} contradicts itself"),
        };
        ensure!(sent == expected, "out came\n{sent:02x?}\nexpected was\n{expected:02x?}");
        Ok(())
    }

    /// The frame that goes to the back-end in `slot`.
    fn forwarded(&self, received: &[u8], slot: u16, ifindex: u32, sent: &[u8]) -> Result<Vec<u8>> {
        let backend = self.backends.get(&slot).with_context(|| format!("nobody is in slot {slot}"))?;
        let way = backend.desired.delivery.context("there is no way to the back-end")?;
        ensure!(ifindex == way.ifindex, "the back-end is behind interface {}, not {ifindex}", way.ifindex);
        let link = backend.delivery.link(received, way.source_mac, way.mac)?;
        match &backend.delivery.tunnel {
            None => handed_off(received, &link),
            Some(tunnel) => tunnel.wrapped(received, &link, tunnel.choice(sent)?),
        }
    }

    /// Lengths of the largest packets that get to back-ends.
    fn mtus(&self) -> BTreeSet<u16> {
        self.backends.values().filter_map(|backend| Some(backend.desired.delivery?.max_len)).collect()
    }
}

/// Checks that no length in a packet contradicts another: no way through the balancer may believe one.
fn ensure_possible(received: &[u8], how: Forwarded) -> Result<()> {
    let packet = Carried::of(received)?.packet;
    // A later fragment begins with what is no header, whatever the IP header says.
    if !matches!(how, Forwarded::Fragment | Forwarded::EarlyFragment) {
        SlicedPacket::from_ip(packet).context("there can be no such packet")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::traffic;
    use lb_common::verdict::{Dropped, Passed, Subject};
    use std::fs;

    /// Those that no packet comes to here: the balancer is set up, and there is room in front of every packet.
    const ELSEWHERE: [Verdict; 2] =
        [Verdict::Passed(Passed::NotReady), Verdict::Dropped(Dropped::NoHeadroom, Subject::VIP)];

    #[test]
    fn the_corpus_comes_to_every_other_verdict() {
        let mut scene = Scene::of_everything();
        let mut seen = BTreeSet::new();
        for input in fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/corpus/balancer")).unwrap() {
            scene.begin();
            for (wait, received) in traffic::packets(&fs::read(input.unwrap().path()).unwrap()) {
                seen.insert(scene.run(wait, received).0.verdict.number());
            }
        }
        let missing: Vec<_> = Verdict::all().filter(|verdict| !seen.contains(&verdict.number())).collect();
        assert_eq!(missing, ELSEWHERE);
    }
}
