//! What a packet costs the program, and how large its maps are.

use super::shape::Shape;
use crate::HANDOFF_OBJECT;
use crate::cases::LOOPBACK;
use crate::harness::{Harness, Traffic};
use crate::packet::Packet;
use crate::subject::{INTERFACE, load};
use anyhow::{Result, ensure};
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

pub(crate) fn measure(harness: &mut Harness, shape: Shape, rounds: usize) -> Result<Cost> {
    let config = format!(
        "[agent]\ninterfaces = [\"{INTERFACE}\"]\n[flow-table]\nflows = {}\n{}",
        shape.room(),
        shape.services(0)
    );
    let mut balancer = load(HANDOFF_OBJECT, "handoff", &config, LOOPBACK)?;
    harness.target_own("floor")?;
    harness.traffic(Traffic::in_order(Packet::Ack, 1))?;
    let base = rounds_of(rounds, || harness.run(Packet::Ack, PACKETS))?.median;
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
    let before = packets(&balancer, Forwarded::Remembered)?;
    let hit = rounds_of(rounds, || Ok(harness.run(Packet::Ack, PACKETS)? - base))?;
    expect(&balancer, Forwarded::Remembered, before, rounds)?;

    harness.traffic(Traffic::shuffled(Packet::Syn, 1 << 32))?;
    let before = packets(&balancer, Forwarded::NewFlow)?;
    let new_flow = rounds_of(rounds, || Ok(harness.run(Packet::Syn, PACKETS)? - base))?;
    expect(&balancer, Forwarded::NewFlow, before, rounds)?;
    Ok(Cost { hit, new_flow, maps: program_maps(&balancer.object().xdp()?.info()?)? })
}

fn rounds_of(rounds: usize, mut run: impl FnMut() -> Result<f64>) -> Result<Summary> {
    let samples: Vec<f64> = (0..rounds).map(|_| run()).collect::<Result<_>>()?;
    Summary::of(&samples).ok_or_else(|| anyhow::anyhow!("no rounds"))
}

/// Makes sure that as good as all packets of the rounds had the verdict that they should have.
fn expect(balancer: &KernelDataplane, how: Forwarded, before: u64, rounds: usize) -> Result<()> {
    let (counted, sent) = (packets(balancer, how)? - before, u64::from(PACKETS) * rounds as u64);
    ensure!(counted >= sent / 10 * 9, "{counted} of {sent} packets were {}", how.name());
    Ok(())
}

fn packets(balancer: &KernelDataplane, how: Forwarded) -> Result<u64> {
    let counters = balancer.counters(&[], &[])?;
    Ok(counters.verdicts[Verdict::Forwarded(how).number() as usize].packets())
}
