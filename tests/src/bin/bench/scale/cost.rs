//! What a packet costs the program, and how large its maps are.

use super::shape::Shape;
use crate::HANDOFF_OBJECT;
use crate::cases::LOOPBACK;
use crate::harness::{Harness, Traffic};
use crate::packet::Packet;
use crate::subject::{INTERFACE, load};
use anyhow::{Context, Result, ensure};
use lb_common::verdict::{Forwarded, Verdict};
use lb_tests::figures::Summary;
use lb_tests::memory::program_maps;
use lb_user::bpf::KernelDataplane;
use lb_user::dataplane::Dataplane;
use serde::Serialize;
use std::thread::sleep;
use std::time::Duration;

/// Costs of a shape.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Cost {
    /// Nanoseconds for a packet of a flow that is remembered.
    pub(crate) hit: Summary,
    /// Nanoseconds for the first packet of a flow.
    pub(crate) new_flow: Summary,
    /// MiB of all maps.
    pub(crate) maps: f64,
}

/// Packets of a round.
const PACKETS: u32 = 2_000_000;
/// Longer than a tick of the program's clock.
const TICK: Duration = Duration::from_millis(1_100);

/// What was measured in rounds.
#[derive(Clone, Default)]
pub(crate) struct Samples {
    hit: Vec<f64>,
    new_flow: Vec<f64>,
    maps: f64,
}

impl Samples {
    /// Loads the program and measures it once.
    pub(crate) fn add(&mut self, harness: &mut Harness, shape: Shape) -> Result<()> {
        let config = format!(
            "[agent]\ninterfaces = [\"{INTERFACE}\"]\n[flow-table]\nflows = {}\n{}",
            shape.room(),
            shape.services(0)
        );
        let mut balancer = load(HANDOFF_OBJECT, "handoff", &config, LOOPBACK)?;
        harness.target_own("floor")?;
        harness.traffic(Traffic::in_order(Packet::Ack, 1))?;
        let base = harness.run(Packet::Ack, PACKETS)?;
        harness.target(balancer.object().xdp()?)?;

        // A table in use is full of flows that are over.
        harness.traffic(Traffic::in_order(Packet::Syn, 1 << 40))?;
        harness.run(Packet::Syn, 2 * shape.room())?;
        sleep(TICK);
        let flows = u64::from(shape.flows);
        harness.traffic(Traffic::in_order(Packet::Ack, flows))?;
        // The first packet of a flow opens it, the second makes it established.
        harness.run(Packet::Ack, 2 * shape.flows)?;
        harness.traffic(Traffic::shuffled(Packet::Ack, flows))?;
        self.hit.push(of(harness, &balancer, Packet::Ack, Forwarded::Remembered)? - base);
        harness.traffic(Traffic::shuffled(Packet::Syn, 1 << 32))?;
        self.new_flow.push(of(harness, &balancer, Packet::Syn, Forwarded::NewFlow)? - base);
        self.maps = program_maps(&balancer.object().xdp()?.info()?)?;
        Ok(())
    }

    /// What it comes to.
    pub(crate) fn cost(self) -> Result<Cost> {
        let summary = |samples: &[f64]| Summary::of(samples).context("no rounds");
        Ok(Cost { hit: summary(&self.hit)?, new_flow: summary(&self.new_flow)?, maps: self.maps })
    }
}

/// What such a packet costs, as good as all of which have this verdict.
fn of(harness: &mut Harness, balancer: &KernelDataplane, packet: Packet, how: Forwarded) -> Result<f64> {
    let before = packets(balancer, how)?;
    let cost = harness.run(packet, PACKETS)?;
    let counted = packets(balancer, how)? - before;
    ensure!(counted >= u64::from(PACKETS) / 10 * 9, "{counted} of {PACKETS} packets were {}", how.name());
    Ok(cost)
}

fn packets(balancer: &KernelDataplane, how: Forwarded) -> Result<u64> {
    let counters = balancer.counters(&[], &[])?;
    Ok(counters.verdicts[Verdict::Forwarded(how).number() as usize].packets())
}
