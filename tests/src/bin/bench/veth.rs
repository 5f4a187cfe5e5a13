//! Packets per second over a veth pair: real frames through the driver, generated, balanced and taken away by one CPU.

use crate::HANDOFF_OBJECT;
use crate::harness::{Harness, Traffic};
use crate::measure::median;
use crate::packet::Packet;
use crate::subject::{Services, balancer};
use anyhow::{Context, Result, ensure};
use aya::programs::XdpMode;
use nix::net::if_::if_nametoindex;
use nix::sched::{CloneFlags, unshare};
use serde::Serialize;
use std::fs;
use std::process::Command;

/// Where packets are generated and come back to.
const NEAR: &str = "ho-bench-near";
/// Where they are balanced.
const FAR: &str = "ho-bench-far";

/// One measured program.
#[derive(Debug, Serialize)]
pub(crate) struct Rate {
    pub(crate) name: &'static str,
    /// Million packets per second that came back, the median of all rounds.
    pub(crate) mpps: f64,
}

/// Measures the program that only sends packets back, and ours with 65,536 flows, `packets` packets in each of `rounds` rounds.
/// Moves this thread into a network namespace without a name, which the system takes away with the process.
pub(crate) fn measure(harness: &mut Harness, rounds: usize, packets: u32) -> Result<Vec<Rate>> {
    const FLOWS: u64 = 1 << 16;
    unshare(CloneFlags::CLONE_NEWNET).context("cannot make a network namespace: run the benchmark as root")?;
    ip(&["link", "add", NEAR, "type", "veth", "peer", "name", FAR])?;
    for interface in [NEAR, FAR] {
        fs::write(format!("/proc/sys/net/ipv6/conf/{interface}/disable_ipv6"), "1")
            .with_context(|| format!("cannot switch IPv6 off on {interface}"))?;
        ip(&["link", "set", interface, "up"])?;
    }
    harness.sink(NEAR)?;

    let mut ours = balancer(HANDOFF_OBJECT, "handoff", 1 << 20, ifindex(FAR)?, &Services::PLAIN)?;
    let near = ifindex(NEAR)?;
    let mut rates = [Vec::new(), Vec::new()];
    for round in 0..rounds {
        harness.traffic(Traffic::shuffled(Packet::Ack, FLOWS).leaving_by(near))?;
        let link = harness.floor()?.attach(FAR, XdpMode::Driver)?;
        rates[0].push(rate(harness, packets)?);
        harness.floor()?.detach(link)?;

        let link = ours.object().xdp()?.attach(FAR, XdpMode::Driver)?;
        if round == 0 {
            harness.traffic(Traffic::in_order(Packet::Ack, FLOWS).leaving_by(near))?;
            harness.generate(Packet::Ack, 2 * FLOWS as u32)?;
        }
        harness.traffic(Traffic::shuffled(Packet::Ack, FLOWS).leaving_by(near))?;
        rates[1].push(rate(harness, packets)?);
        ours.object().xdp()?.detach(link)?;
    }
    let [floor, hit] = rates.map(|mut rates| {
        rates.sort_by(f64::total_cmp);
        (median(&rates) * 100.0).round() / 100.0
    });
    Ok(vec![Rate { name: "floor", mpps: floor }, Rate { name: "hit-64k", mpps: hit }])
}

/// Million packets per second that came back.
fn rate(harness: &mut Harness, packets: u32) -> Result<f64> {
    let (sunk, time) = harness.generate(Packet::Ack, packets)?;
    ensure!(sunk > 0, "no packet came back over the veth pair");
    Ok(sunk as f64 / time.as_micros() as f64)
}

fn ifindex(interface: &str) -> Result<u32> {
    if_nametoindex(interface).with_context(|| format!("there is no interface {interface}"))
}

fn ip(args: &[&str]) -> Result<()> {
    let output = Command::new("ip").args(args).output().context("cannot run `ip`: install iproute2")?;
    ensure!(output.status.success(), "`ip {}` failed: {}", args.join(" "), String::from_utf8_lossy(&output.stderr));
    Ok(())
}
